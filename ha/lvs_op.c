/*
 * lvs_op: the kernel's error numbers turned into idempotence and into text
 * that names the entry. ip_vs says ESRCH for a missing service, ENOENT for a
 * missing server, and ENOENT too for a scheduler it cannot load.
 */
#include "ha/lvs_op.h"

#include <errno.h>
#include <stdio.h>

#include "common/err.h"
#include "common/mem.h"

bool
lvs_op_ok(enum lvs_verb verb, int rc)
{
	if (verb == LVS_DEL_SERVICE || verb == LVS_DEL_DEST)
		return rc == 0 || rc == -ESRCH || rc == -ENOENT;
	return rc == 0;
}

/* clang-format off */
static const struct { enum lvs_verb verb; int rc; enum lvs_verb to; } instead[] = {
	{ LVS_ADD_SERVICE, -EEXIST, LVS_SET_SERVICE },
	{ LVS_SET_SERVICE, -ESRCH,  LVS_ADD_SERVICE },
	{ LVS_ADD_DEST,    -EEXIST, LVS_SET_DEST },
	{ LVS_SET_DEST,    -ENOENT, LVS_ADD_DEST },
	/* once more: the row above may have brought the service back */
	{ LVS_ADD_DEST,    -ESRCH,  LVS_ADD_DEST },
	{ LVS_SET_DEST,    -ESRCH,  LVS_ADD_DEST },
};

static const char *const verbs[LVS__VERBS] = {
	[LVS_ADD_SERVICE] = "add service",
	[LVS_SET_SERVICE] = "change service",
	[LVS_DEL_SERVICE] = "delete service",
	[LVS_ADD_DEST] = "add server",
	[LVS_SET_DEST] = "change server",
	[LVS_DEL_DEST] = "delete server",
};

static const struct { int rc; bool dest; const char *text; } hints[] = {
	{ -ESRCH,  true,  "the service is not there" },
	{ -EINVAL, true,  "not a unicast address here, or a family other than "
	    "the service's without tun" },
	{ -EINVAL, false, "port, prefix or flags the kernel refuses" },
	{ -ERANGE, true,  "negative weight, or lower threshold above upper" },
	{ -EPERM,  true,  "needs CAP_NET_ADMIN" },
	{ -EPERM,  false, "needs CAP_NET_ADMIN" },
};
/* clang-format on */

enum lvs_verb
lvs_op_instead(enum lvs_verb verb, int rc)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(instead); i++)
		if (instead[i].verb == verb && instead[i].rc == rc)
			return instead[i].to;
	return LVS__VERBS;
}

static const char *
hint(const struct lvs_op *op, int rc, char *buf, size_t len)
{
	const struct lvs_service *s = op->service;
	size_t i;

	if (op->dest == NULL && rc == -ENOENT) {
		(void)snprintf(buf, len, "scheduler %s%s%s not in the kernel?",
		    s->scheduler, s->pe[0] != '\0' ? " or engine " : "", s->pe);
		return buf;
	}
	for (i = 0; i < ARRAY_LEN(hints); i++)
		if (hints[i].rc == rc && hints[i].dest == (op->dest != NULL))
			return hints[i].text;
	return NULL;
}

char *
lvs_op_format(const struct lvs_op *op, int rc, char *buf, size_t len)
{
	char key[LVS_KEY_TEXT_MAX], what[2 * LVS_KEY_TEXT_MAX + 8];
	char server[ADDR_TEXT_MAX + 8], more[96], why[160] = "";
	const char *h = hint(op, rc, more, sizeof(more));

	(void)lvs_key_format(&op->service->key, key, sizeof(key));
	if (op->dest == NULL)
		(void)snprintf(what, sizeof(what), "%s", key);
	else
		(void)snprintf(what, sizeof(what), "%s %s %s",
		    addr_format_port(&op->dest->addr, op->dest->port, server,
			sizeof(server)),
		    op->verb == LVS_ADD_DEST   ? "to"
		    : op->verb == LVS_SET_DEST ? "of"
					       : "from",
		    key);
	if (h != NULL)
		(void)snprintf(why, sizeof(why), " (%s)", h);
	if (rc == 0)
		(void)snprintf(buf, len, "%s %s", verbs[op->verb], what);
	else
		(void)snprintf(buf, len, "%s %s: %s%s", verbs[op->verb], what,
		    err_text(rc), why);
	return buf;
}
