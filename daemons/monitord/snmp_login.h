/*
 * snmp_login: who we are to SNMP agents: a file of lines name=value, readable by
 * its owner and group only:
 *
 *   community=secret                          version 2c, or
 *   user=yoke                                 version 3
 *   auth=SHA-256    auth_password=...         MD5 SHA SHA-224 SHA-256 ...
 *   privacy=AES     privacy_password=...      AES AES-192 AES-256
 */
#ifndef MONITORD_SNMP_LOGIN_H
#define MONITORD_SNMP_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#define SNMP_WORD_MAX 64
#define SNMP_PASSWORD_MIN 8 /* RFC 3414, 11.2 */

struct snmp_login {
	char community[SNMP_WORD_MAX]; /* "": version 3 */
	char user[SNMP_WORD_MAX];
	char auth[SNMP_WORD_MAX], auth_password[SNMP_WORD_MAX];
	char privacy[SNMP_WORD_MAX], privacy_password[SNMP_WORD_MAX];
};

/* From the text of a file, which is changed. 0, or -EINVAL and why; *ret is
 * untouched then. */
int snmp_login_parse(
    char *text, struct snmp_login *ret, char *why, size_t len);

/* From a file, "": community public. 0; -errno, -EACCES when others may read
 * it, -EINVAL; and why. The caller wipes *ret with explicit_bzero(). */
int snmp_login_read(
    const char *file, struct snmp_login *ret, char *why, size_t len);

#endif
