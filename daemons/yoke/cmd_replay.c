/*
 * cmd_replay: a recorded run of a policy (yoke-record(5)) played again, by the
 * code that yoke-monitord decides with. Without KEY=VALUE the decisions must
 * be the recorded ones; with them, it shows what would have been.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/yoke/yoke.h"
#include "ha/weigh_text.h"

#define QUEUE 1024 /* servers of a service that can change in one decision */

struct decided {
	char server[NAME_LEN];
	int32_t weight;
};

struct replay {
	struct weigh weigh;
	struct policy policy;
	const char *file;
	unsigned line;
	bool changed;   /* other settings: it need not be the same */
	usec_t first, now;
	struct decided *queue; /* decided and not seen in the file yet */
	size_t at, n;
	unsigned events, decisions, differ;
};

static int
on_weight(const struct weigh_server *s, int32_t weight, const char *cause,
    void *arg)
{
	struct replay *r = arg;

	r->decisions++;
	printf("%10.3f  %-16s %5d  %s\n",
	    (double)(r->now - r->first) / (double)USEC_S, s->name, (int)weight,
	    cause);
	if (r->n == QUEUE)
		return -ENOBUFS;
	memcpy(r->queue[r->n].server, s->name, NAME_LEN);
	r->queue[r->n++].weight = weight;
	return 0;
}

static void
differs(struct replay *r, const char *server, const char *text, int32_t weight)
{
	if (r->changed)
		return;
	r->differ++;
	printf("%s:%u: %s: %s %d\n", r->file, r->line, server, text,
	    (int)weight);
}

/* What was decided and is not in the file. */
static void
flush(struct replay *r)
{
	for (; r->at < r->n; r->at++)
		differs(r, r->queue[r->at].server, "not recorded:",
		    r->queue[r->at].weight);
	r->at = r->n = 0;
}

static void
compare(struct replay *r, const struct weigh_line *l)
{
	const struct decided *d = &r->queue[r->at];

	if (r->at < r->n && strcmp(d->server, l->event.server) == 0 &&
	    d->weight == l->weight) {
		r->at++;
		return;
	}
	differs(r, l->event.server, "only recorded:", l->weight);
}

static int
play(struct replay *r, const struct weigh_line *l, char *why, size_t len)
{
	int rc;

	switch (l->what) {
	case LINE_POLICY:
		if (r->changed)
			return 0;
		rc = policy_set(&r->policy, l->key, l->value, why, len);
		weigh_set_policy(&r->weigh, &r->policy);
		return rc;
	case LINE_WEIGHT:
		compare(r, l);
		return 0;
	case LINE_EVENT:
		flush(r);
		r->events++;
		r->now = l->event.at;
		if (r->first == 0)
			r->first = r->now;
		rc = weigh_feed(&r->weigh, &l->event);
		if (rc < 0)
			(void)snprintf(why, len, "%s: %s",
			    rc == -ENOENT ? "no such server before"
			                  : "out of range", l->event.server);
		return rc;
	default:
		return 0;
	}
}

static int
play_file(struct replay *r, FILE *f)
{
	char text[WEIGH_LINE_MAX], why[320];
	struct weigh_line l;
	int rc = 0;

	while (rc == 0 && fgets(text, sizeof(text), f) != NULL) {
		r->line++;
		if (strchr(text, '\n') == NULL && !feof(f)) {
			(void)snprintf(why, sizeof(why), "line too long");
			rc = -EINVAL;
			break;
		}
		text[strcspn(text, "\n")] = '\0';
		if (r->line == 1) {
			rc = strcmp(text, WEIGH_HEAD) == 0 ? 0 : -EINVAL;
			(void)snprintf(why, sizeof(why),
			    "does not begin with \"%s\"", WEIGH_HEAD);
			continue;
		}
		rc = weigh_line_parse(text, &l, why, sizeof(why));
		if (rc == 0)
			rc = play(r, &l, why, sizeof(why));
	}
	flush(r);
	if (rc < 0)
		fprintf(stderr, "yoke: %s:%u: %s\n", r->file, r->line, why);
	return rc < 0 ? YOKE_USAGE : YOKE_OK;
}

/* KEY=VALUE on top of the recorded policy. */
static int
settings(struct replay *r, unsigned n, char **words)
{
	char key[64], why[320], *eq;
	unsigned i;

	for (i = 0; i < n; i++) {
		eq = strchr(words[i], '=');
		if (eq == NULL || (size_t)(eq - words[i]) >= sizeof(key)) {
			fprintf(stderr, "yoke: %s: say KEY=VALUE, like "
					"step=10\n", words[i]);
			return YOKE_USAGE;
		}
		memcpy(key, words[i], (size_t)(eq - words[i]));
		key[eq - words[i]] = '\0';
		if (policy_set(&r->policy, key, eq + 1, why, sizeof(why)) < 0) {
			fprintf(stderr, "yoke: %s: %s\n", key, why);
			return YOKE_USAGE;
		}
	}
	weigh_set_policy(&r->weigh, &r->policy);
	return YOKE_OK;
}

/* The policy as recorded, to put other settings on top of. */
static int
read_policy(struct replay *r, FILE *f)
{
	char text[WEIGH_LINE_MAX], why[320];
	struct weigh_line l;

	while (fgets(text, sizeof(text), f) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		if (weigh_line_parse(text, &l, why, sizeof(why)) == 0 &&
		    l.what == LINE_POLICY)
			(void)policy_set(
			    &r->policy, l.key, l.value, why, sizeof(why));
	}
	rewind(f);
	return 0;
}

static int
run(struct replay *r, FILE *f, unsigned n, char **words)
{
	int rc = YOKE_OK;

	if (n > 0) {
		(void)read_policy(r, f);
		rc = settings(r, n, words);
		r->changed = true;
	}
	if (rc == YOKE_OK)
		rc = play_file(r, f);
	if (rc != YOKE_OK)
		return rc;
	printf("%u events in %.0f s, %u weights%s\n", r->events,
	    (double)(r->now - r->first) / (double)USEC_S, r->decisions,
	    r->changed ? ", with other settings than recorded"
	    : r->differ == 0 ? ", all as recorded" : "");
	if (r->differ > 0)
		printf("%u differ from the record\n", r->differ);
	return r->differ > 0 ? YOKE_REFUSED : YOKE_OK;
}

int
cmd_replay(struct cli *c, unsigned n, char **words)
{
	struct replay r = { .file = words[1] };
	FILE *f = fopen(words[1], "re");
	int rc;

	(void)c;
	if (f == NULL) {
		fprintf(stderr, "yoke: %s: %s\n", words[1], strerror(errno));
		return YOKE_USAGE;
	}
	r.queue = calloc(QUEUE, sizeof(*r.queue));
	if (r.queue == NULL) {
		fprintf(stderr, "yoke: out of memory\n");
		(void)fclose(f);
		return YOKE_REFUSED;
	}
	policy_defaults(&r.policy);
	weigh_init(&r.weigh, &r.policy, on_weight, &r);
	rc = run(&r, f, n - 2, words + 2);
	weigh_done(&r.weigh);
	free(r.queue);
	(void)fclose(f);
	return rc;
}
