/*
 * agent_reply: JSON by jansson; HAProxy's words by a table, as its manual has
 * them under "agent-check". All that means "no new requests" is overloaded.
 */
#include "daemons/monitord/agent_reply.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static int
refuse(char *why, size_t len, const char *text)
{
	(void)snprintf(why, len, "%s", text);
	return -EBADMSG;
}

/* Metrics that we do not know are another version's and left alone. */
static int
read_load(const json_t *load, struct load_sample *l, char *why, size_t len)
{
	const json_t *v;
	json_int_t n;
	unsigned i;

	for (i = 0; i < LOAD__METRICS; i++) {
		v = json_object_get(load, load_metric_name(i));
		if (v == NULL)
			continue;
		n = json_integer_value(v);
		if (!json_is_integer(v) || n < 0 || n > LOAD_FULL) {
			(void)snprintf(why, len, "absurd %s",
			    load_metric_name(i));
			return -EBADMSG;
		}
		l->metric[i] = (uint16_t)n;
		l->has[i] = true;
	}
	return 0;
}

int
agent_reply_json(const char *text, size_t len, struct load_sample *ret,
    char *why, size_t why_len)
{
	struct load_sample l = { .scale = WEIGH_PERCENT };
	json_error_t e;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	const json_t *load = json_object_get(j, "load"), *v;
	int rc = 0;

	if (!json_is_object(load))
		rc = refuse(why, why_len, "not an agent's reply");
	if (rc == 0)
		rc = read_load(load, &l, why, why_len);
	v = json_object_get(j, "overloaded");
	if (rc == 0 && v != NULL && !json_is_boolean(v))
		rc = refuse(why, why_len, "absurd overloaded");
	l.overloaded = json_is_true(v);
	v = json_object_get(j, "scale");
	if (rc == 0 && v != NULL &&
	    (!json_is_integer(v) || json_integer_value(v) < 0 ||
	        json_integer_value(v) > WEIGH_PERCENT))
		rc = refuse(why, why_len, "absurd scale");
	if (rc == 0 && v != NULL)
		l.scale = (uint16_t)json_integer_value(v);
	json_decref(j);
	if (rc == 0)
		*ret = l;
	return rc;
}

static const struct {
	const char *word;
	bool out; /* no new requests */
} words[] = {
	{ "up", false },
	{ "ready", false },
	{ "drain", true },
	{ "maint", true },
	{ "down", true },
	{ "fail", true },
	{ "failed", true },
	{ "stopped", true },
};

/* One word of the line; maxconn:N is for HAProxy itself. */
static int
read_word(const char *word, struct load_sample *l)
{
	unsigned n;
	size_t i;
	int end = 0;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(words[i].word, word) == 0) {
			l->overloaded = l->overloaded || words[i].out;
			return 0;
		}
	if (strncasecmp(word, "maxconn:", 8) == 0)
		return 0;
	if (!isdigit((unsigned char)word[0]) || strlen(word) > 5 ||
	    sscanf(word, "%u%%%n", &n, &end) != 1 || end == 0 ||
	    word[end] != '\0')
		return -EBADMSG;
	l->scale = (uint16_t)(n < WEIGH_PERCENT ? n : WEIGH_PERCENT);
	return 0;
}

int
agent_reply_text(const char *text, size_t len, struct load_sample *ret,
    char *why, size_t why_len)
{
	struct load_sample l = { .scale = WEIGH_PERCENT };
	unsigned n = 0;
	char word[32];
	size_t i = 0, k;

	while (i < len && strchr("\r\n#", text[i]) == NULL) {
		if (strchr(" \t,", text[i]) != NULL) {
			i++;
			continue;
		}
		for (k = 0; i < len && strchr(" \t,\r\n#", text[i]) == NULL; i++)
			if (k < sizeof(word) - 1)
				word[k++] = isgraph((unsigned char)text[i])
				    ? text[i] : '?';
		word[k] = '\0';
		if (read_word(word, &l) < 0) {
			(void)snprintf(why, why_len, "not understood: %s", word);
			return -EBADMSG;
		}
		n++;
	}
	if (n == 0)
		return refuse(why, why_len, "an empty line");
	*ret = l;
	return 0;
}
