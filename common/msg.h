/*
 * msg: the catalogue of schema/messages.def as an enum and a table, and who
 * may speak to whom. Whoever receives a message asks msg_check() first.
 */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stddef.h>
#include <stdint.h>

enum msg_id {
	MSG_NONE,
#define MSG(name, ver, max, from, to, priv) MSG_##name,
#include "schema/messages.def"
#undef MSG
	MSG__LAST
};

/* One of yoke's processes, as it names itself in HELLO. */
enum msg_who {
	WHO_NONE,
	WHO_ANY,
	WHO_YOKED,
	WHO_CLI,
	WHO_MONITOR,
	WHO_CHECKPOINT,
	WHO_LINK,
	WHO_SYNC,
	WHO_PEER,
	WHO__LAST
};

enum msg_priv { PRIV_NONE, PRIV_READ, PRIV_ADMIN };

#define MSG_BODY_MAX 65536 /* the largest of any row */

const char *msg_name(unsigned id);
const char *who_name(unsigned who);
enum msg_priv msg_priv(unsigned id);
size_t msg_max(unsigned id);

/* 0; -EBADMSG: unknown id or wrong sender; -EMSGSIZE: body over the row's size;
 * -EPERM: priv is not enough. */
int msg_check(
    unsigned id, enum msg_who from, enum msg_who to, enum msg_priv priv,
    size_t len);

#endif
