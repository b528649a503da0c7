/*
 * snmp_user: users of SNMP version 3 as the library wants them: by engine ID,
 * with keys made of passwords. Making a key of a password hashes a megabyte
 * (RFC 3414, A.2), so that is done once per file; making it an engine's is
 * cheap, and is undone when nobody needs it.
 */
#ifndef MONITORD_SNMP_USER_H
#define MONITORD_SNMP_USER_H

struct snmp_users;
struct snmp_user;
struct snmp_session;

void snmp_users_new(struct snmp_users **ret); /* begins the library too */
void snmp_users_free(struct snmp_users *u);   /* NULL ok; no user is left */

/* The user of the file for the session's engine, which is known by now; the
 * session is told its keys. 0 and *ret, caller snmp_user_unref()s; -errno,
 * -EBADMSG for a file that makes no sense; -EBUSY while another file's user of
 * this name asks the same engine. */
int snmp_user_of(struct snmp_users *u, const char *file,
    struct snmp_session *s, struct snmp_user **ret);
void snmp_user_unref(struct snmp_user *v); /* NULL ok */

#endif
