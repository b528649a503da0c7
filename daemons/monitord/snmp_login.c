/*
 * snmp_login: see snmp_login.h; keys are rows.
 */
#include "daemons/monitord/snmp_login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

#define FILE_MAX 4096

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
	{ "community", offsetof(struct snmp_login, community) },
	{ "user", offsetof(struct snmp_login, user) },
	{ "auth", offsetof(struct snmp_login, auth) },
	{ "auth_password", offsetof(struct snmp_login, auth_password) },
	{ "privacy", offsetof(struct snmp_login, privacy) },
	{ "privacy_password", offsetof(struct snmp_login, privacy_password) },
};

static int
refuse(char *why, size_t len, const char *text)
{
	(void)snprintf(why, len, "%s", text);
	return -EINVAL;
}

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
		s[--n] = '\0';
	return s;
}

static int
take_line(char *line, struct snmp_login *l, char *why, size_t len)
{
	char *value = strchr(line, '=');
	size_t i;

	if (value == NULL)
		return refuse(why, len, "a line without =");
	*value++ = '\0';
	line = trim(line);
	value = trim(value);
	for (i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, line) != 0)
			continue;
		if (value[0] == '\0' || strlen(value) >= SNMP_WORD_MAX)
			return refuse(why, len, "a value empty or too long");
		memcpy((char *)l + keys[i].offset, value, strlen(value) + 1);
		return 0;
	}
	return refuse(why, len, "an unknown key");
}

static const char *
what_is_wrong(const struct snmp_login *l)
{
	if ((l->community[0] == '\0') == (l->user[0] == '\0'))
		return "one of community and user is needed";
	if ((l->auth[0] == '\0') != (l->auth_password[0] == '\0') ||
	    (l->privacy[0] == '\0') != (l->privacy_password[0] == '\0'))
		return "a protocol needs its password";
	if (l->privacy[0] != '\0' && l->auth[0] == '\0')
		return "privacy needs auth";
	if (l->user[0] == '\0' && l->auth[0] != '\0')
		return "auth needs user";
	if ((l->auth[0] != '\0' &&
	        strlen(l->auth_password) < SNMP_PASSWORD_MIN) ||
	    (l->privacy[0] != '\0' &&
	        strlen(l->privacy_password) < SNMP_PASSWORD_MIN))
		return "passwords have 8 characters or more";
	return NULL;
}

int
snmp_login_parse(char *text, struct snmp_login *ret, char *why, size_t len)
{
	struct snmp_login l = { 0 };
	char *line, *save = NULL;
	const char *wrong;
	int rc = 0;

	for (line = strtok_r(text, "\n", &save); line != NULL && rc == 0;
	    line = strtok_r(NULL, "\n", &save)) {
		line = trim(line);
		if (line[0] != '\0' && line[0] != '#')
			rc = take_line(line, &l, why, len);
	}
	wrong = rc == 0 ? what_is_wrong(&l) : NULL;
	if (wrong != NULL)
		rc = refuse(why, len, wrong);
	if (rc == 0)
		*ret = l;
	explicit_bzero(&l, sizeof(l));
	return rc;
}

int
snmp_login_read(
    const char *file, struct snmp_login *ret, char *why, size_t len)
{
	char text[FILE_MAX];
	struct stat st;
	ssize_t n = 0;
	int fd, rc = 0;

	if (file[0] == '\0') {
		*ret = (struct snmp_login){ .community = "public" };
		return 0;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if ((st.st_mode & 07) != 0)
		rc = -EACCES;
	if (rc == 0) {
		n = read(fd, text, sizeof(text) - 1);
		rc = n < 0 ? -errno : 0;
	}
	if (fd >= 0)
		(void)close(fd);
	if (rc < 0) {
		(void)snprintf(why, len, "credentials: %s", rc == -EACCES
		    ? "others may read them" : strerror(-rc));
		return rc;
	}
	text[n] = '\0';
	rc = snmp_login_parse(text, ret, why, len);
	explicit_bzero(text, sizeof(text));
	return rc;
}
