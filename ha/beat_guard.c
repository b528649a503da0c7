/*
 * beat_guard: is this beat from our peer, from now, and not heard before?
 * Pure bookkeeping, no clock and no I/O.
 */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/beat.h"

static const char *const names[REFUSED__LAST] = {
	[REFUSED_MALFORMED] = "malformed",
	[REFUSED_VERSION] = "version",
	[REFUSED_AUTH] = "signature",
	[REFUSED_FOREIGN] = "foreign",
	[REFUSED_REPLAY] = "replayed",
	[REFUSED_UNPROVEN] = "unproven",
};

const char *
beat_refusal_name(unsigned r)
{
	return r < REFUSED__LAST ? names[r] : "?";
}

enum beat_refusal
beat_refusal(int rc)
{
	switch (-rc) {
	case ERR_VERSION:
		return REFUSED_VERSION;
	case ERR_AUTH:
		return REFUSED_AUTH;
	case ERR_FOREIGN:
		return REFUSED_FOREIGN;
	case ERR_REPLAY:
		return REFUSED_REPLAY;
	case EAGAIN:
		return REFUSED_UNPROVEN;
	default:
		return REFUSED_MALFORMED;
	}
}

void
beat_guard_init(struct beat_guard *g, const char *instance, uint32_t peer_node,
    uint64_t session)
{
	*g = (struct beat_guard){ .peer_node = peer_node, .session = session };
	strncpy(g->instance, instance, sizeof(g->instance) - 1);
}

static uint64_t
window(const struct beat_guard *g, unsigned path)
{
	return g->window[path] != 0 ? g->window[path] : BEAT_ECHO_WINDOW;
}

/* Did the sender of b hear one of our beats a moment ago? */
static bool
echo_is_fresh(const struct beat_guard *g, const struct beat *b, unsigned path)
{
	return b->echo_session == g->session && b->echo_number <= g->number &&
	       g->number - b->echo_number <= window(g, path);
}

/* Its last beats carry a fresh echo too, and must not be heard again. */
static bool
session_gone(const struct beat_guard *g, uint64_t session)
{
	unsigned i;

	for (i = 0; i < g->n_gone && i < BEAT_GONE; i++)
		if (g->gone[i] == session)
			return true;
	return false;
}

static void
session_begin(struct beat_guard *g, const struct beat *b)
{
	if (g->known)
		g->gone[g->n_gone++ % BEAT_GONE] = g->peer_session;
	g->known = true;
	g->peer_session = b->session;
	g->newest = 0;
	memset(g->last, 0, sizeof(g->last));
}

/* Far behind what another path brought: recorded or held back. */
static bool
held_back(const struct beat_guard *g, uint64_t number, unsigned path)
{
	return number < g->newest && g->newest - number > window(g, path);
}

int
beat_guard_number(struct beat_guard *g, uint64_t number, unsigned path)
{
	if (number <= g->last[path] || held_back(g, number, path))
		return -ERR_REPLAY;
	if (number > g->newest)
		g->newest = number;
	g->last[path] = number;
	if (g->echo_session != g->peer_session || number > g->echo_number)
		g->echo_number = number;
	g->echo_session = g->peer_session;
	return 0;
}

static int
admit(struct beat_guard *g, const struct beat *b, unsigned path, bool *fresh)
{
	*fresh = false;
	if (strcmp(b->instance, g->instance) != 0 || b->node != g->peer_node ||
	    b->path != path || path >= CONF_PATHS_MAX)
		return -ERR_FOREIGN;
	if (!g->known || b->session != g->peer_session) {
		if (session_gone(g, b->session))
			return -ERR_REPLAY;
		g->echo_session = b->session;
		g->echo_number = b->number;
		if (!echo_is_fresh(g, b, path))
			return -EAGAIN;
		*fresh = true;
		session_begin(g, b);
	}
	return beat_guard_number(g, b->number, path);
}

int
beat_guard_admit(
    struct beat_guard *g, const struct beat *b, unsigned path, bool *ret_fresh)
{
	int rc = admit(g, b, path, ret_fresh);

	if (rc < 0)
		g->refused[beat_refusal(rc)]++;
	return rc;
}
