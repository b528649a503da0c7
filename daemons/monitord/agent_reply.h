/*
 * agent_reply: what agents say, as a load_sample. Nothing in it is believed
 * that is out of range: such a reply is refused as a whole.
 */
#ifndef MONITORD_AGENT_REPLY_H
#define MONITORD_AGENT_REPLY_H

#include <stddef.h>

#include "ha/weigh.h"

#define AGENT_REPLY_MAX 8192

/* yoke-agentd's JSON. 0; -EBADMSG and why, *ret untouched. */
int agent_reply_json(const char *text, size_t len, struct load_sample *ret,
    char *why, size_t why_len);

/* HAProxy's agent-check: words and a percentage, up to the end of the line:
 * "75%", "up ready", "drain", "maint", "down #reason". Likewise. */
int agent_reply_text(const char *text, size_t len, struct load_sample *ret,
    char *why, size_t why_len);

#endif
