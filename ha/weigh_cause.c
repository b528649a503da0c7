/*
 * weigh_cause: a decision in words, for the cause of the change: what was
 * measured, against what, and which rail held.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/mem.h"
#include "ha/weigh_impl.h"

struct words {
	char *buf;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void
say(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->n >= CAUSE_LEN)
		return;
	va_start(ap, fmt);
	n = vsnprintf(w->buf + w->n, CAUSE_LEN - w->n, fmt, ap);
	va_end(ap);
	w->n += n > 0 ? (size_t)n : 0;
}

/* "850us" "12.3ms" "1.2s" */
static void
say_time(struct words *w, const char *what, double us)
{
	if (us < 1000)
		say(w, "%s %.0fus", what, us);
	else if (us < 1e6)
		say(w, "%s %.1fms", what, us / 1e3);
	else
		say(w, "%s %.1fs", what, us / 1e6);
}

static void
say_samples(struct words *o, const struct weigh *w,
    const struct weigh_server *s)
{
	enum policy_type t = w->policy.type;

	if (s->rails & RAIL_STALE) {
		say(o, ", no news");
		return;
	}
	if ((t == POLICY_RESPONSE || t == POLICY_BOTH) && s->took > 0) {
		say_time(o, "", s->took);
		say_time(o, ", mean", w->mean_took);
	}
	if ((t == POLICY_LOAD || t == POLICY_BOTH) && s->loaded)
		say(o, "%s %.0f%%, mean %.0f%%",
		    t == POLICY_BOTH ? ", load" : "", s->load * 100,
		    w->mean_load * 100);
	if (s->load_at != 0 && s->last.scale < WEIGH_PERCENT)
		say(o, ", agent says %u%%", s->last.scale);
	if (s->effect < WEIGH_PERCENT)
		say(o, ", checks leave %u%%", s->effect);
}

char *
weigh_cause(const struct weigh *w, const struct weigh_server *s, char *buf)
{
	static const struct {
		unsigned rail;
		const char *text;
	} rails[] = {
		{ RAIL_OVERLOAD, "overloaded: out" },
		{ RAIL_FULL, "all together full: out" },
		{ RAIL_KEPT, "overloaded, too few left" },
		{ RAIL_STALE, "back to configured" },
		{ RAIL_START, "slow start" },
		{ RAIL_STEP, "step" },
		{ RAIL_MIN, "min" },
		{ RAIL_MAX, "max" },
	};
	struct words o = { buf, 0 };
	size_t i;

	if (s->rails & RAIL_SORRY) {
		say(&o, s->weight > 0 ? "sorry server: no other one serves"
		                      : "sorry server: others serve");
		return buf;
	}
	say(&o, "%s", policy_name(w->policy.type));
	if (!weigh_in_rotation(s)) {
		say(&o, ": %s, slow start when it is back",
		    s->drained ? "drained" : "down");
		return buf;
	}
	say_samples(&o, w, s);
	for (i = 0; i < ARRAY_LEN(rails); i++)
		if (s->rails & rails[i].rail)
			say(&o, "; %s", rails[i].text);
	return buf;
}
