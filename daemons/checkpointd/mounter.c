/*
 * mounter: see mounter.h. One child at a time; when it has ended, settle()
 * looks at what is wanted and what the system says, and does the next step.
 */
#include "daemons/checkpointd/mounter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/run.h"
#include "daemons/checkpointd/device_guard.h"

#define RETRY USEC_S
#define PATIENCE_ORDER (3 * USEC_S) /* see mount_it() */
#define RETRY_ORDER (100 * USEC_MS)
#define LINGER (500 * USEC_MS)
/* Not a limit of ours: mmp waits tens of seconds, a journal is replayed, a
 * device may hang; but what is killed then would else run for ever. */
#define PATIENCE (600 * USEC_S)

struct place {
	char device[CONF_TEXT_LEN], dir[CONF_TEXT_LEN];
	char filesystem[NAME_LEN], options[CONF_TEXT_LEN];
};

struct mounter {
	struct loop *loop;
	void (*on_change)(void *arg);
	void *arg;
	struct place conf, at; /* as configured; as last mounted */
	bool wanted;
	usec_t wanted_at;
	enum mounting state;
	enum mount_guard guard;
	char text[160];
	struct run *child;
	struct timer linger, retry;
};

static bool
configured(const struct mounter *m)
{
	return m->conf.device[0] != '\0';
}

static bool
mounted(const struct place *p)
{
	struct stat device, dir;

	return p->device[0] != '\0' && stat(p->device, &device) == 0 &&
	       S_ISBLK(device.st_mode) && stat(p->dir, &dir) == 0 &&
	       dir.st_dev == device.st_rdev;
}

static void
set_state(struct mounter *m, enum mounting to, const char *text)
{
	char was[sizeof(m->text)];
	bool same = m->state == to;

	memcpy(was, m->text, sizeof(was));
	m->state = to;
	m->text[0] = '\0';
	if (text != NULL)
		(void)snprintf(m->text, sizeof(m->text), "%.60s: %.90s",
		    m->conf.device, text);
	if (!same || strcmp(was, m->text) != 0)
		m->on_change(m->arg);
}

static int
begin(struct mounter *m, const char *const *argv,
    void (*done)(int rc, const char *text, void *arg))
{
	static const char *const env[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	struct run_what what = { .argv = argv,
		.env = env,
		.input = "",
		.timeout = PATIENCE,
		.done = done,
		.arg = m };

	return run_start(m->loop, &what, &m->child);
}

/* mount(8) does not say why; mmp's block does. */
static void
explain(struct mounter *m, const char *text)
{
	struct device_view v;
	char why[160];

	if (device_look(m->at.device, m->at.filesystem, &v, why,
		sizeof(why)) == 0 && v.busy) {
		(void)snprintf(why, sizeof(why), "mounted by %.60s", v.holder);
		text = why;
	}
	set_state(m, MOUNTING_FAILED, text);
}

static void
on_mounted(int rc, const char *text, void *arg)
{
	struct mounter *m = arg;

	m->child = NULL;
	if (rc == 0 && mounted(&m->at))
		set_state(m, MOUNTING_ON, NULL);
	else
		explain(m, text);
	timer_in(&m->retry, m->state == MOUNTING_ON ? 0 : RETRY);
}

static void
on_unmounted(int rc, const char *text, void *arg)
{
	struct mounter *m = arg;

	m->child = NULL;
	if (rc == 0 || !mounted(&m->at))
		set_state(m, MOUNTING_OFF, NULL);
	else
		set_state(m, MOUNTING_STUCK, text);
	timer_in(&m->retry, m->state == MOUNTING_OFF ? 0 : RETRY);
}

/* -w: or mount(8) would try again read-only, which mmp does not refuse. */
static int
run_mount(struct mounter *m)
{
	char options[CONF_TEXT_LEN + 32];
	const char *argv[] = { "/bin/mount", "-w", "-t", m->conf.filesystem,
		"-o", options, m->conf.device, m->conf.dir, NULL };

	(void)snprintf(options, sizeof(options), "nosuid,nodev,noexec%s%s",
	    m->conf.options[0] != '\0' ? "," : "", m->conf.options);
	return begin(m, argv, on_mounted);
}

/* mmp makes who finds it not unmounted wait for 20 s: an old active that lets
 * go in order gets the time to. */
static void
mount_it(struct mounter *m)
{
	bool early = loop_now(m->loop) - m->wanted_at < PATIENCE_ORDER;
	struct device_view v;
	char text[160];
	int rc;

	m->at = m->conf;
	rc = device_look(
	    m->conf.device, m->conf.filesystem, &v, text, sizeof(text));
	m->guard = v.guard;
	if (rc == 0 && !(v.busy && early)) {
		rc = run_mount(m);
		(void)snprintf(text, sizeof(text), "cannot run mount");
	}
	if (rc == 0 && m->state != MOUNTING_FAILED)
		set_state(m, MOUNTING_COMING, "is being mounted");
	if (rc < 0)
		set_state(m, MOUNTING_FAILED, text);
	if (m->child == NULL)
		timer_in(&m->retry, rc < 0 ? RETRY : RETRY_ORDER);
}

static void
unmount_it(struct mounter *m)
{
	const char *argv[] = { "/bin/umount", m->at.dir, NULL };

	if (begin(m, argv, on_unmounted) < 0)
		timer_in(&m->retry, RETRY);
	else if (m->state != MOUNTING_STUCK)
		set_state(m, MOUNTING_GOING, NULL);
}

/* It was there before we came. */
static void
adopt(struct mounter *m)
{
	struct device_view v;
	char text[160];

	if (m->state != MOUNTING_ON) {
		(void)device_look(m->at.device, m->at.filesystem, &v, text,
		    sizeof(text));
		m->guard = v.guard;
	}
	set_state(m, MOUNTING_ON, NULL);
}

/* The next step towards what is wanted. */
static void
settle(struct mounter *m)
{
	bool there = mounted(&m->at), stays;

	if (m->child != NULL)
		return;
	stays = m->wanted && memcmp(&m->at, &m->conf, sizeof(m->at)) == 0;
	if (there && !stays)
		unmount_it(m);
	else if (there)
		adopt(m);
	else if (m->wanted && configured(m))
		mount_it(m);
	else
		set_state(m, configured(m) ? MOUNTING_OFF : MOUNTING_NONE, NULL);
}

static void
on_timer(void *arg)
{
	settle(arg);
}

static void
on_linger(void *arg)
{
	struct mounter *m = arg;

	m->wanted = false;
	settle(m);
}

void
mounter_new(struct loop *l, void (*on_change)(void *arg), void *arg,
    struct mounter **ret)
{
	struct mounter *m = mem_new(struct mounter);

	m->loop = l;
	m->on_change = on_change;
	m->arg = arg;
	timer_init(&m->linger, l, on_linger, m);
	timer_init(&m->retry, l, on_timer, m);
	*ret = m;
}

void
mounter_free(struct mounter *m)
{
	if (m == NULL)
		return;
	timer_stop(&m->linger);
	timer_stop(&m->retry);
	run_stop(m->child);
	if (mounted(&m->at))
		(void)umount2(m->at.dir, 0);
	free(m);
}

static void
place_of(const struct conf *c, struct place *ret)
{
	memset(ret, 0, sizeof(*ret)); /* they are compared whole */
	(void)snprintf(
	    ret->device, sizeof(ret->device), "%s", c->checkpoint_device);
	(void)snprintf(ret->dir, sizeof(ret->dir), "%s", c->checkpoint_dir);
	(void)snprintf(ret->filesystem, sizeof(ret->filesystem), "%s",
	    c->checkpoint_filesystem);
	(void)snprintf(ret->options, sizeof(ret->options), "%s",
	    c->checkpoint_mount_options);
}

bool
mounter_moves(const struct mounter *m, const struct conf *c)
{
	struct place p;

	place_of(c, &p);
	return memcmp(&p, &m->conf, sizeof(p)) != 0;
}

void
mounter_conf(struct mounter *m, const struct conf *c)
{
	if (!mounter_moves(m, c))
		return;
	place_of(c, &m->conf);
	if (m->at.device[0] == '\0')
		m->at = m->conf; /* one that a killed predecessor left behind */
	if (m->child == NULL)
		timer_in(&m->retry, 0);
}

void
mounter_want(struct mounter *m, bool wanted)
{
	if (!wanted) {
		if (m->wanted && !timer_armed(&m->linger))
			timer_in(&m->linger, LINGER);
		return;
	}
	timer_stop(&m->linger);
	if (m->wanted)
		return;
	m->wanted = true;
	m->wanted_at = loop_now(m->loop);
	settle(m);
}

bool
mounter_ready(struct mounter *m)
{
	return !configured(m) ||
	       (m->state == MOUNTING_ON && mounted(&m->conf));
}

bool
mounter_waits(const struct mounter *m)
{
	return m->wanted && (m->state == MOUNTING_COMING ||
	    m->state == MOUNTING_GOING);
}

enum mounting
mounter_state(const struct mounter *m)
{
	return m->state;
}

enum mount_guard
mounter_guard(const struct mounter *m)
{
	return m->state == MOUNTING_ON ? m->guard : GUARD_NONE;
}

const char *
mounter_text(const struct mounter *m)
{
	return m->text;
}
