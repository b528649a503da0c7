/*
 * beats_send: what goes out on each path: a beat, on a slow line mostly pulses,
 * or nothing yet. See pace.h.
 */
#include <errno.h>
#include <string.h>

#include "ha/beats.h"
#include "ha/pulse.h"

/* Does it say more than that time has passed? */
static bool
is_news(const struct path_state *p, const struct beat *beat)
{
	struct beat was = p->told;

	was.number = beat->number;
	was.echo_number = beat->echo_number;
	return memcmp(&was, beat, sizeof(was)) != 0;
}

/* Nothing was heard for so long that it may be there and not read: hung. */
static bool
is_quiet(const struct beats *b)
{
	usec_t from = b->heard > b->began ? b->heard : b->began;

	return loop_turn(b->loop) > from + PACE_BEAT_AGAIN;
}

/* As its last report says, if it is there to say it. */
static enum pace_heard
peer_hears(const struct beats *b, unsigned i)
{
	if (is_quiet(b))
		return PACE_ELSEWHERE;
	if (!beats_any_up(b) || !b->reported || b->report.hears == 0)
		return PACE_UNHEARD;
	return (b->report.hears >> i & 1) != 0 ? PACE_HERE : PACE_ELSEWHERE;
}

static int
pack(
    struct beats *b, const struct beat *beat, enum pace_what what, uint8_t *mem)
{
	struct pulse pulse = { .instance = beat->instance,
		.node = beat->node,
		.path = beat->path,
		.session = beat->session,
		.number = beat->number };
	int rc;

	if (what == PACE_BEAT)
		return beat_pack(beat, b->key, mem);
	rc = pulse_pack(&pulse, b->key, mem);
	return rc < 0 ? rc : PULSE_BYTES;
}

static void
send_on(struct beats *b, unsigned i, const struct beat *beat)
{
	struct path_state *p = &b->paths[i];
	usec_t now = loop_turn(b->loop);
	uint8_t mem[BEAT_BYTES_MAX];
	enum pace_what what;
	int n, rc;

	what = pace_choose(&p->pace, now, b->conf->beat_interval,
	    is_news(p, beat), peer_hears(b, i));
	if (what == PACE_NOTHING)
		return;
	n = pack(b, beat, what, mem);
	rc = n < 0 ? n : p->path->ops->send(p->path, mem, (size_t)n);
	if (rc == 0) {
		pace_sent(&p->pace, now, what, (size_t)n);
		p->sent++;
		if (what == PACE_BEAT)
			p->told = *beat;
	} else if (rc != -EBUSY) {
		p->send_errors++;
	}
}

void
beats_send(struct beats *b)
{
	struct beat beat;
	unsigned i;

	memset(&beat, 0, sizeof(beat)); /* padding too: see is_news() */
	memcpy(beat.instance, b->guard.instance, sizeof(beat.instance));
	beat.node = b->conf->self->id;
	beat.interval_us = (uint32_t)b->conf->beat_interval;
	beat.hears = beats_hears(b);
	beat.session = b->guard.session;
	beat.number = ++b->guard.number;
	beat.echo_session = b->guard.echo_session;
	beat.echo_number = b->guard.echo_number;
	b->ops->fill(&beat, b->arg);
	for (i = 0; i < b->n_paths; i++) {
		beat.path = (uint8_t)i;
		send_on(b, i, &beat);
	}
}
