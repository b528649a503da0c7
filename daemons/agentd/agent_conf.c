/*
 * agent_conf: the keys as rows; a line at a time.
 */
#include "daemons/agentd/agent_conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

#define FILE_MAX (256U << 10)
#define LINE_LEN 1024

enum kind { TEXT, NUMBER, TIME };

static const struct row {
	const char *key;
	enum kind kind;
	size_t offset;
	unsigned long long min, max;
} rows[] = {
#define AT(field) offsetof(struct agent_conf, field)
#define LIMIT(metric) AT(judge.limit) + (metric) * sizeof(unsigned)
	{ "listen", TEXT, AT(listen), 1, 0 },
	{ "text_listen", TEXT, AT(text_listen), 0, 0 },
	{ "token_file", TEXT, AT(token_file), 0, 0 },
	{ "certificate", TEXT, AT(certificate), 0, 0 },
	{ "private_key", TEXT, AT(private_key), 0, 0 },
	{ "client_ca", TEXT, AT(client_ca), 0, 0 },
	{ "interval", TIME, AT(interval), 100 * USEC_MS, 60 * USEC_S },
	{ "interface", TEXT, AT(interface), 0, 0 },
	{ "network_speed", NUMBER, AT(network_speed), 0, 10000000 },
	{ "cgroup", TEXT, AT(cgroup), 0, 0 },
	{ "hits_log", TEXT, AT(hits_log), 0, 0 },
	{ "hits_url", TEXT, AT(hits_url), 0, 0 },
	{ "hits_max", NUMBER, AT(hits_max), 0, 10000000 },
	{ "overload_cpu", NUMBER, LIMIT(LOAD_CPU), 0, 100 },
	{ "overload_memory", NUMBER, LIMIT(LOAD_MEMORY), 0, 100 },
	{ "overload_network", NUMBER, LIMIT(LOAD_NETWORK), 0, 100 },
	{ "overload_disk", NUMBER, LIMIT(LOAD_DISK), 0, 100 },
	{ "overload_load", NUMBER, LIMIT(LOAD_RUN), 0, 100 },
	{ "overload_pressure", NUMBER, LIMIT(LOAD_PRESSURE), 0, 100 },
	{ "overload_hits", NUMBER, LIMIT(LOAD_HITS), 0, 100 },
	{ "overload_errors", NUMBER, LIMIT(LOAD_ERRORS), 0, 100 },
	{ "recover", NUMBER, AT(judge.recover), 0, 100 },
	{ "hold", NUMBER, AT(judge.hold), 1, 1000 },
};

struct in {
	const char *file;
	unsigned line;
	char *err;
	size_t len;
};

__attribute__((format(printf, 3, 4))) static int
refuse(const struct in *in, const char *key, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (in->line > 0)
		(void)snprintf(in->err, in->len, "%s:%u: %s%s%s", in->file,
		    in->line, key, key[0] != '\0' ? ": " : "", text);
	else
		(void)snprintf(in->err, in->len, "%s: %s%s%s", in->file, key,
		    key[0] != '\0' ? ": " : "", text);
	return -EINVAL;
}

static int
set_number(const struct in *in, const struct row *r, const char *text,
    struct agent_conf *c)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 ||
	    v < r->min || v > r->max)
		return refuse(in, r->key, "\"%.64s\": say a number from %llu "
		    "to %llu", text, r->min, r->max);
	*(unsigned *)((char *)c + r->offset) = (unsigned)v;
	return 0;
}

static int
set_time(const struct in *in, const struct row *r, const char *text,
    struct agent_conf *c)
{
	char min[32], max[32];
	usec_t t;

	if (usec_parse(text, &t) < 0 || t < r->min || t > r->max)
		return refuse(in, r->key, "\"%.64s\": say a duration from %s "
		    "to %s", text, usec_format(r->min, min, sizeof(min)),
		    usec_format(r->max, max, sizeof(max)));
	*(usec_t *)((char *)c + r->offset) = t;
	return 0;
}

static int
set_text(const struct in *in, const struct row *r, const char *text,
    struct agent_conf *c)
{
	size_t n = strlen(text);

	if (n < r->min || n >= AGENT_TEXT_LEN)
		return refuse(in, r->key, n < r->min ? "is empty"
		                                     : "is too long");
	memcpy((char *)c + r->offset, text, n + 1);
	return 0;
}

static int
set_key(const struct in *in, const char *key, const char *value,
    struct agent_conf *c, unsigned *seen)
{
	const struct row *r;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			break;
	if (i == ARRAY_LEN(rows))
		return refuse(in, key, "there is no such key");
	if (seen[i] > 0)
		return refuse(in, key, "is there twice, first on line %u",
		    seen[i]);
	seen[i] = in->line;
	r = &rows[i];
	if (r->kind == NUMBER)
		return set_number(in, r, value, c);
	return r->kind == TIME ? set_time(in, r, value, c)
	                       : set_text(in, r, value, c);
}

/* Takes the blanks at both ends away, and quotes around all of it. */
static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
		s[--n] = '\0';
	if (n > 1 && s[0] == '"' && s[n - 1] == '"') {
		s[n - 1] = '\0';
		s++;
	}
	return s;
}

static int
parse_line(const struct in *in, char *line, struct agent_conf *c,
    unsigned *seen)
{
	char *eq;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (line[0] == '\0')
		return 0;
	eq = strchr(line, '=');
	if (eq == NULL)
		return refuse(in, "", "\"%.64s\": say KEY = VALUE", line);
	*eq = '\0';
	return set_key(in, trim(line), trim(eq + 1), c, seen);
}

static int
parse_file(struct in *in, FILE *f, struct agent_conf *c)
{
	unsigned seen[ARRAY_LEN(rows)] = { 0 };
	char line[LINE_LEN];
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		in->line++;
		if (strchr(line, '\n') == NULL && !feof(f))
			return refuse(in, "", "the line is too long");
		line[strcspn(line, "\n")] = '\0';
		rc = parse_line(in, line, c, seen);
	}
	in->line = 0;
	return rc;
}

/* A file's bytes with a NUL; secret: nobody but its owner (us, or root) and
 * group may read it. */
static int
slurp(const struct in *in, const char *key, const char *path, bool secret,
    char **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)refuse(in, key, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		close(fd);
		return refuse(in, key, "%s: no regular file, or too long", path);
	}
	if (secret && (st.st_mode & 07) != 0) {
		close(fd);
		return refuse(in, key, "%s can be read by everybody: chmod 640 "
		    "or 600", path);
	}
	*ret = mem_zalloc((size_t)st.st_size + 1);
	n = read(fd, *ret, (size_t)st.st_size);
	close(fd);
	return n == st.st_size ? 0
	                       : refuse(in, key, "%s: cannot be read", path);
}

static int
load_token(const struct in *in, struct agent_conf *c)
{
	char *text = NULL, *t;
	size_t n;
	int rc = slurp(in, "token_file", c->token_file, true, &text);

	if (rc == 0) {
		text[strcspn(text, "\n")] = '\0';
		t = trim(text);
		n = strlen(t);
		if (n < 8 || n >= AGENT_TOKEN_LEN)
			rc = refuse(in, "token_file", "%s: a token has 8 to %d "
			    "characters", c->token_file, AGENT_TOKEN_LEN - 1);
		else
			memcpy(c->token, t, n + 1);
		explicit_bzero(text, strlen(text));
	}
	free(text);
	return rc;
}

static int
load_secrets(const struct in *in, struct agent_conf *c)
{
	bool tls = c->certificate[0] != '\0';
	int rc = 0;

	if (tls != (c->private_key[0] != '\0'))
		return refuse(in, "private_key",
		    "certificate and private_key go together");
	if (c->client_ca[0] != '\0' && !tls)
		return refuse(in, "client_ca", "needs a certificate of our own");
	if (c->token_file[0] != '\0')
		rc = load_token(in, c);
	if (rc == 0 && tls)
		rc = slurp(in, "certificate", c->certificate, false,
		    &c->certificate_pem);
	if (rc == 0 && tls)
		rc = slurp(in, "private_key", c->private_key, true,
		    &c->key_pem);
	if (rc == 0 && c->client_ca[0] != '\0')
		rc = slurp(in, "client_ca", c->client_ca, false,
		    &c->client_ca_pem);
	return rc;
}

int
agent_conf_load(
    const char *file, struct agent_conf *ret, char *err, size_t len)
{
	struct in in = { .file = file, .err = err, .len = len };
	FILE *f;
	int rc;

	*ret = (struct agent_conf){ .listen = "0.0.0.0:5490",
		.interval = USEC_S,
		.judge = { .recover = 10, .hold = 3 } };
	f = fopen(file, "re");
	if (f == NULL)
		return refuse(&in, "", "%s", strerror(errno));
	rc = parse_file(&in, f, ret);
	(void)fclose(f);
	return rc == 0 ? load_secrets(&in, ret) : rc;
}

static void
wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
agent_conf_done(struct agent_conf *c)
{
	wipe(c->certificate_pem);
	wipe(c->key_pem);
	wipe(c->client_ca_pem);
	explicit_bzero(c->token, sizeof(c->token));
	c->certificate_pem = c->key_pem = c->client_ca_pem = NULL;
}
