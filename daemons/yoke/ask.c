/*
 * ask: talking to yoked, and what to tell people when that fails. Every call
 * has a time limit: a yoked that hangs hangs nobody's terminal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/conf.h"
#include "common/err.h"
#include "daemons/yoke/yoke.h"

#define CALL_MS 5000
#define COMMAND_MAX 1024	/* as schema/messages.def has it */
#define STATUS_MAX (256U << 20) /* more is not a status */

/* -i, else what the configuration says, else "main". */
const char *
ask_instance(struct cli *c)
{
	struct conf_err e;
	struct conf *conf;

	if (c->instance[0] != '\0')
		return c->instance;
	(void)snprintf(c->instance, sizeof(c->instance), "main");
	if (conf_load(c->conf_file, c->node,
		CONF_NO_KEY | CONF_NO_SERVICES, &conf, &e) == 0) {
		(void)snprintf(
		    c->instance, sizeof(c->instance), "%s", conf->instance);
		conf_free(conf);
	}
	return c->instance;
}

int
ask_failed(const struct cli *c, int rc)
{
	switch (-rc) {
	case ECONNREFUSED:
	case ENOENT:
		fprintf(stderr,
		    "yoke: no yoked runs for instance %s "
		    "(systemctl start yoked)\n",
		    c->instance);
		return YOKE_NOT_RUNNING;
	case EACCES:
	case EPERM:
		fprintf(stderr, "yoke: not permitted: root may do anything, "
				"members of group yoke may look\n");
		return YOKE_NO_PERMISSION;
	case ETIMEDOUT:
		fprintf(stderr,
		    "yoke: yoked of instance %s does not answer "
		    "(is it stopped? journalctl -u yoked)\n",
		    c->instance);
		return YOKE_NOT_RUNNING;
	case ENOTCONN:
		fprintf(stderr,
		    "yoke: yoked of instance %s went away "
		    "(journalctl -u yoked)\n",
		    c->instance);
		return YOKE_NOT_RUNNING;
	default:
		fprintf(stderr, "yoke: talking to yoked of instance %s: %s\n",
		    c->instance, err_text(rc));
		return YOKE_NOT_RUNNING;
	}
}

int
ask_open(struct cli *c, struct ipcc **ret)
{
	int rc = ipcc_open(ask_instance(c), WHO_CLI, ret);

	return rc < 0 ? ask_failed(c, rc) : YOKE_OK;
}

/* These say that yoked was not reached; any other rc is its answer. */
static bool
unanswered(int rc)
{
	return rc == -ETIMEDOUT || rc == -ENOTCONN || rc == -EBADMSG ||
	       rc == -EPERM || rc == -EACCES;
}

static bool
words_fit(unsigned n, char **words)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (strlen(words[i]) < NAME_LEN)
			continue;
		fprintf(
		    stderr, "yoke: \"%s\" is longer than any name\n", words[i]);
		return false;
	}
	return true;
}

int
ask_command(struct cli *c, struct ipcc *i, unsigned n, char **words,
    char *ret_text, size_t len)
{
	uint8_t mem[COMMAND_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));
	size_t got = 0;
	unsigned k;
	int rc;

	if (!words_fit(n, words))
		return YOKE_USAGE;
	put_u8(&b, (uint8_t)n);
	for (k = 0; k < n; k++)
		put_str(&b, words[k]);
	rc = ipcc_call(
	    i, MSG_COMMAND, mem, b.pos, ret_text, len - 1, &got, CALL_MS);
	ret_text[got] = '\0';
	if (rc >= 0)
		return YOKE_OK;
	if (got == 0 && unanswered(rc))
		return ask_failed(c, rc);
	fprintf(stderr, "yoke: %s\n", got > 0 ? ret_text : err_text(rc));
	return rc == -EPERM || rc == -EACCES ? YOKE_NO_PERMISSION
					     : YOKE_REFUSED;
}

/* One more piece at *len; 1: there was one, 0: the end, or -errno. */
static int
fetch_piece(struct ipcc *i, char **text, size_t *len)
{
	uint8_t mem[4];
	struct buf b = buf_writer(mem, sizeof(mem));
	size_t got = 0;
	char *p;
	int rc;

	if (*len > STATUS_MAX)
		return -EMSGSIZE;
	p = realloc(*text, *len + MSG_BODY_MAX + 1);
	if (p == NULL)
		return -ENOMEM;
	*text = p;
	put_u32(&b, (uint32_t)*len);
	rc = ipcc_call(
	    i, MSG_STATUS, mem, b.pos, p + *len, MSG_BODY_MAX, &got, CALL_MS);
	*len += got;
	p[*len] = '\0';
	if (rc < 0)
		return rc;
	return got > 0;
}

int
ask_status(struct cli *c, char **ret, size_t *ret_len)
{
	struct ipcc *i;
	char *text = NULL;
	size_t len = 0;
	int rc;

	rc = ask_open(c, &i);
	if (rc != YOKE_OK)
		return rc;
	while ((rc = fetch_piece(i, &text, &len)) > 0)
		;
	ipcc_free(i);
	if (rc < 0) {
		free(text);
		return ask_failed(c, rc);
	}
	*ret = text;
	*ret_len = len;
	return YOKE_OK;
}
