/*
 * beats: the pulse of a director. See beats.h for what counts as silence.
 */
#include "ha/beats.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

#include "common/mem.h"
#include "ha/pulse.h"

static usec_t
peer_interval(const struct beats *b)
{
	return b->reported ? b->report.interval_us : b->conf->beat_interval;
}

static usec_t
interval_of(const struct beats *b, const struct path_state *p)
{
	return pace_interval(p->pace.speed, peer_interval(b));
}

static usec_t
silent_at(const struct beats *b, const struct path_state *p)
{
	usec_t from = p->heard > b->slept ? p->heard : b->slept;
	bool hint = b->hint != 0 && b->hint >= b->heard;

	return from + silence_patience(&p->silence, p->pace.speed, p->in_pace,
		   interval_of(b, p), b->conf->beat_misses, hint);
}

static void
arm_deadline(struct beats *b)
{
	usec_t at, first = USEC_NEVER;
	unsigned i;

	for (i = 0; i < b->n_paths; i++) {
		if (!b->paths[i].up)
			continue;
		at = silent_at(b, &b->paths[i]);
		if (at < first)
			first = at;
	}
	if (first == USEC_NEVER)
		timer_stop(&b->deadline);
	else
		timer_at(&b->deadline, first);
}

static void
path_set_up(struct beats *b, unsigned i, bool up)
{
	struct path_state *p = &b->paths[i];

	if (p->up == up)
		return;
	p->up = up;
	p->in_pace = false;
	silence_forget(&p->silence);
	p->since = loop_turn(b->loop);
	p->changes++;
	b->ops->on_path(i, up, b->arg);
}

/* Were we held up so long that arrived beats may have been lost? */
static void
note_lateness(struct beats *b, const struct timer *t, usec_t now)
{
	usec_t late = now > t->when ? now - t->when : 0;

	if (late > b->late_max)
		b->late_max = late;
	if (late > b->conf->beat_interval * 2) {
		b->slept = now;
		b->sleeps++;
	}
}

void
beats_drain(struct beats *b)
{
	unsigned i;

	for (i = 0; i < b->n_paths; i++)
		b->paths[i].path->ops->drain(b->paths[i].path);
}

static void
on_deadline(void *arg)
{
	struct beats *b = arg;
	usec_t now = loop_turn(b->loop);
	unsigned i;

	note_lateness(b, &b->deadline, now);
	beats_drain(b);
	for (i = 0; i < b->n_paths; i++)
		if (b->paths[i].up && silent_at(b, &b->paths[i]) <= now)
			path_set_up(b, i, false);
	arm_deadline(b);
}

static void
alive(struct beats *b, struct path_state *p)
{
	usec_t now = loop_turn(b->loop), gap = now - p->heard;
	usec_t tb = interval_of(b, p);

	if (p->up && p->heard != 0 && gap > p->gap_max)
		p->gap_max = gap;
	silence_note(&p->silence, gap, tb);
	p->in_pace = p->in_pace || gap <= tb + tb / 2;
	p->heard = b->heard = now;
	p->received++;
}

static void
heard(struct beats *b, unsigned i, const struct beat *beat)
{
	alive(b, &b->paths[i]);
	if (!b->reported || beat->session != b->report.session ||
	    beat->number > b->report.number) {
		b->report = *beat;
		b->reported = true;
	}
	path_set_up(b, i, true);
	b->ops->on_report(beat, b->arg);
	arm_deadline(b);
}

/* Nothing new: the path is alive, and that is all. */
static int
on_pulse(struct beats *b, unsigned i, const void *bytes, size_t len)
{
	int rc = pulse_admit(&b->guard, bytes, len, i, b->key);

	if (rc < 0)
		return rc;
	alive(b, &b->paths[i]);
	path_set_up(b, i, true);
	arm_deadline(b);
	return 0;
}

static int
on_beat(struct beats *b, unsigned i, const void *bytes, size_t len)
{
	struct beat beat;
	bool fresh;
	int rc;

	rc = beat_unpack(bytes, len, b->key, &beat);
	if (rc < 0) {
		b->guard.refused[beat_refusal(rc)]++;
		return rc;
	}
	rc = beat_guard_admit(&b->guard, &beat, i, &fresh);
	if (rc == 0)
		heard(b, i, &beat);
	return rc;
}

static void
on_frame(unsigned index, const void *bytes, size_t len, void *arg)
{
	struct beats *b = arg;
	struct path_state *p = &b->paths[index];
	int rc;

	if (p->own->type == PATH_SERIAL && len == PULSE_BYTES)
		rc = on_pulse(b, index, bytes, len);
	else
		rc = on_beat(b, index, bytes, len);
	if (rc < 0) {
		p->refused = loop_turn(b->loop);
		p->refusal = beat_refusal(rc);
	}
}

/* A line that carried beats hung up. One that carried none tells nothing. */
static void
on_lost(unsigned index, void *arg)
{
	struct beats *b = arg;

	if (!b->paths[index].up)
		return;
	b->hint = loop_now(b->loop);
	path_set_up(b, index, false);
	arm_deadline(b);
}

uint32_t
beats_hears(const struct beats *b)
{
	uint32_t mask = 0;
	unsigned i;

	for (i = 0; i < b->n_paths; i++)
		if (b->paths[i].up)
			mask |= 1U << i;
	return mask;
}

static void
on_tick(void *arg)
{
	struct beats *b = arg;
	usec_t now = loop_turn(b->loop), next;
	unsigned i;

	note_lateness(b, &b->tick, now);
	for (i = 0; i < b->n_paths; i++)
		if (b->paths[i].path->ops->tick != NULL)
			b->paths[i].path->ops->tick(b->paths[i].path);
	beats_send(b);
	b->ops->on_tick(b->arg);
	next = b->tick.when + b->conf->beat_interval;
	timer_at(&b->tick, next > now ? next : now + b->conf->beat_interval);
}

static const struct conf_path *
path_named(const struct conf_node *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->n_paths; i++)
		if (strcmp(n->paths[i].name, name) == 0)
			return &n->paths[i];
	return NULL;
}

static uint32_t
speed_of(const struct conf_path *c)
{
	return c->type == PATH_SERIAL ? c->speed : 0;
}

/* Both directors number the paths as the first node of the file lists them. */
static int
open_paths(struct beats *b, path_open_fn open)
{
	const struct conf_node *first = &b->conf->nodes[0];
	struct path_state *p;
	const char *name;
	size_t i;
	int rc;

	for (i = 0; i < first->n_paths && i < CONF_PATHS_MAX; i++) {
		name = first->paths[i].name;
		p = &b->paths[i];
		p->own = path_named(b->conf->self, name);
		p->peer = path_named(b->conf->peer, name);
		if (p->own == NULL || p->peer == NULL)
			return -EINVAL;
		rc = open(b->loop, p->own, p->peer, (unsigned)i, on_frame, b,
		    &p->path);
		if (rc < 0)
			return rc;
		p->path->on_lost = on_lost;
		p->pace.speed = speed_of(p->own);
		b->guard.window[i] =
		    pace_echo_window(p->pace.speed, b->conf->beat_interval);
		b->n_paths++;
	}
	return 0;
}

int
beats_start(struct beats *b, struct loop *l, const struct conf *conf,
    path_open_fn open, const struct beats_ops *ops, void *arg)
{
	uint64_t session;
	int rc;

	*b = (struct beats){ .loop = l, .conf = conf, .ops = ops, .arg = arg };
	b->began = loop_now(l);
	if (RAND_bytes((uint8_t *)&session, sizeof(session)) != 1)
		return -EIO;
	beat_guard_init(&b->guard, conf->instance, conf->peer->id, session);
	timer_init(&b->tick, l, on_tick, b);
	timer_init(&b->deadline, l, on_deadline, b);
	rc = beat_key_new(conf->key, conf->key_len, &b->key);
	if (rc == 0)
		rc = open_paths(b, open);
	if (rc < 0) {
		beats_stop(b);
		return rc;
	}
	timer_in(&b->tick, 0);
	return 0;
}

void
beats_stop(struct beats *b)
{
	unsigned i;

	timer_stop(&b->tick);
	timer_stop(&b->deadline);
	for (i = 0; i < b->n_paths; i++)
		b->paths[i].path->ops->close(b->paths[i].path);
	b->n_paths = 0;
	beat_key_free(b->key);
	b->key = NULL;
}

void
beats_hint(struct beats *b)
{
	b->hint = loop_now(b->loop);
	arm_deadline(b);
}

usec_t
beats_interval(const struct beats *b, unsigned index)
{
	return pace_interval(
	    b->paths[index].pace.speed, b->conf->beat_interval);
}

void
beats_carrier(struct beats *b,
    bool (*carrier)(const char *device, void *arg), void *arg)
{
	struct path_state *p;
	bool lost = false, now;
	unsigned i;

	for (i = 0; i < b->n_paths; i++) {
		p = &b->paths[i];
		if (p->own->type != PATH_UDP)
			continue;
		now = carrier(p->own->device, arg);
		lost = lost || (p->up && p->carrier && !now);
		p->carrier = now;
	}
	if (!lost)
		return;
	beats_drain(b);
	beats_hint(b);
}

usec_t
beats_margin(const struct beats *b, unsigned index)
{
	const struct path_state *p = &b->paths[index];

	return silence_margin(&p->silence, p->pace.speed, interval_of(b, p));
}

unsigned
beats_up(const struct beats *b, enum path_type type)
{
	unsigned i, n = 0;

	for (i = 0; i < b->n_paths; i++)
		n += b->paths[i].up && b->paths[i].own->type == type;
	return n;
}

bool
beats_any_up(const struct beats *b)
{
	return beats_hears(b) != 0;
}

void
beats_retime(struct beats *b, const struct conf *conf)
{
	struct path_state *p;
	unsigned i;

	b->conf = conf;
	for (i = 0; i < b->n_paths; i++) {
		p = &b->paths[i];
		p->own = path_named(conf->self, conf->nodes[0].paths[i].name);
		p->peer = path_named(conf->peer, conf->nodes[0].paths[i].name);
	}
	timer_in(&b->tick, 0);
	arm_deadline(b);
}
