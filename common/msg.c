/*
 * msg: the message catalogue, built from schema/messages.def.
 */
#include "common/msg.h"

#include <errno.h>

#include "common/mem.h"

static const struct row {
	const char *name;
	unsigned version;
	size_t max;
	enum msg_who from, to;
	enum msg_priv priv;
} rows[MSG__LAST] = {
#define MSG(name, ver, max, from, to, priv) \
	[MSG_##name] = { #name, ver, max, WHO_##from, WHO_##to, priv },
#include "schema/messages.def"
#undef MSG
};

static const char *const whos[WHO__LAST] = {
	[WHO_NONE] = "nobody",
	[WHO_ANY] = "any",
	[WHO_YOKED] = "yoked",
	[WHO_CLI] = "yoke",
	[WHO_MONITOR] = "monitord",
	[WHO_CHECKPOINT] = "checkpointd",
	[WHO_LINK] = "linkd",
	[WHO_SYNC] = "syncd",
	[WHO_PEER] = "peer",
};

const char *
msg_name(unsigned id)
{
	return id > MSG_NONE && id < MSG__LAST ? rows[id].name : "unknown";
}

const char *
who_name(unsigned who)
{
	return who < WHO__LAST ? whos[who] : "unknown";
}

enum msg_priv
msg_priv(unsigned id)
{
	return id > MSG_NONE && id < MSG__LAST ? rows[id].priv : PRIV_ADMIN;
}

size_t
msg_max(unsigned id)
{
	return id > MSG_NONE && id < MSG__LAST ? rows[id].max : 0;
}

int
msg_check(unsigned id, enum msg_who from, enum msg_who to, enum msg_priv priv,
    size_t len)
{
	const struct row *r;

	if (id <= MSG_NONE || id >= MSG__LAST)
		return -EBADMSG;
	r = &rows[id];
	if ((r->from != WHO_ANY && r->from != from) ||
	    (r->to != WHO_ANY && r->to != to))
		return -EBADMSG;
	if (len > r->max)
		return -EMSGSIZE;
	return priv >= r->priv ? 0 : -EPERM;
}
