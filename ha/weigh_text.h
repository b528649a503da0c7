/*
 * weigh_text: a recorded run of a policy: its events and decisions as lines of
 * text, which yoke-record(5) describes. A line is
 *
 *	TIME WORD [SERVER] ...
 *
 * with TIME in microseconds of any steady clock. Lines that begin with # are
 * for people.
 */
#ifndef HA_WEIGH_TEXT_H
#define HA_WEIGH_TEXT_H

#include "ha/weigh.h"

#define WEIGH_LINE_MAX 512
#define WEIGH_HEAD "yoke-record 1" /* first line of a file */

enum weigh_line_what {
	LINE_NOTHING, /* empty, or for people */
	LINE_EVENT,
	LINE_POLICY,  /* a key of the policy */
	LINE_WEIGHT,  /* what was decided then */
};

struct weigh_line {
	enum weigh_line_what what;
	struct weigh_event event;   /* its `at` and server are always filled */
	char key[32], value[256];   /* LINE_POLICY */
	int32_t weight;             /* LINE_WEIGHT */
	char cause[CAUSE_LEN];
};

/* Without the end of line; returns buf, WEIGH_LINE_MAX long. */
char *weigh_event_format(const struct weigh_event *e, char *buf);
char *weigh_weight_format(
    usec_t at, const char *server, int32_t weight, const char *cause, char *buf);
char *weigh_policy_format(
    usec_t at, const char *key, const char *value, char *buf);

/* 0, or -EINVAL and why says what is wrong, *ret untouched. */
int weigh_line_parse(
    const char *line, struct weigh_line *ret, char *why, size_t len);

#endif
