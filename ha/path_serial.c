/*
 * path_serial: beats on a serial line, framed by serial_frame.
 *
 * A line that hangs up, or whose modem lines drop, is told at once (on_lost).
 * A device that is missing, or hung up, is tried again every second. Nothing
 * waits in a queue here: while the line still carries the last frame the next
 * one is refused, and the sender comes back with a newer one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/path.h"
#include "ha/pulse.h"
#include "ha/serial_frame.h"
#include "ha/serial_pump.h"

#define RETRY USEC_S
#define CHUNK 1024
#define CHUNKS 16 /* read in one go */
#define NOISE 64  /* garbage since the last good frame: worth telling */
#define NOISE_AGE (3 * USEC_S)
#define ROOM SERIAL_WIRE(PULSE_BYTES) /* unsent bytes that may be left */

static const char *const HUNG_UP =
    "hung up: the other side is off or the cable is unplugged";
static const char *const NOISY =
    "garbage on the line: wrong speed on the other side?";

struct path_serial {
	struct path path;
	struct loop *loop;
	struct conf_path own; /* a copy: a reload frees the original */
	struct serial_line line;
	struct serial_deframer in;
	struct path_line told;
	uint64_t noise; /* bad bytes and frames since the last good frame */
	usec_t noisy;	/* the last of it */
	struct serial_pump *pump; /* what comes in */
	struct watch *watch;
	struct timer retry, gone;
};

static void
serial_shut(struct path_serial *s)
{
	watch_free(s->watch);
	s->watch = NULL;
	serial_pump_stop(s->pump);
	s->pump = NULL;
	serial_line_close(&s->line);
	s->told.carrier = CARRIER_UNKNOWN;
}

static void
tell_lost(struct path_serial *s)
{
	s->told.hangups++;
	if (s->path.on_lost != NULL)
		s->path.on_lost(s->path.index, s->path.arg);
}

static void
hung_up(void *arg)
{
	struct path_serial *s = arg;

	if (s->line.fd < 0)
		return;
	serial_shut(s);
	s->path.problem = HUNG_UP;
	timer_in(&s->retry, RETRY);
	tell_lost(s);
}

/* Line noise is normal while a plug is moved; garbage and nothing else is not.
 */
static void
note_noise(struct path_serial *s)
{
	struct path_line *t = &s->told;
	uint64_t bad = s->in.garbage + s->line.errors + t->errors_before;
	uint64_t more = bad - t->garbage + (s->in.bad_crc - t->crc_errors) * 8;

	t->frames = s->in.good;
	t->crc_errors = s->in.bad_crc;
	t->garbage = bad;
	if (more > 0) {
		s->noise += more;
		s->noisy = loop_turn(s->loop);
	}
	if (s->noise >= NOISE && s->path.problem == NULL)
		s->path.problem = NOISY;
	if (s->path.problem == NOISY &&
	    loop_turn(s->loop) - s->noisy > NOISE_AGE) {
		s->path.problem = NULL;
		s->noise = 0;
	}
}

static void
on_payload(const void *payload, size_t len, void *arg)
{
	struct path_serial *s = arg;

	note_noise(s); /* what came before this frame */
	s->noise = 0;
	if (s->path.problem == NOISY)
		s->path.problem = NULL;
	s->path.on_frame(s->path.index, payload, len, s->path.arg);
}

static void
serial_drain(struct path *p)
{
	struct path_serial *s = (struct path_serial *)p;
	uint8_t bytes[CHUNK];
	unsigned i;
	ssize_t n;

	for (i = 0; i < CHUNKS && s->line.fd >= 0; i++) {
		n = read(serial_pump_fd(s->pump), bytes, sizeof(bytes));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			hung_up(s);
			return;
		}
		if (n < 0)
			break;
		serial_frame_feed(&s->in, bytes, (size_t)n, on_payload, s);
		if ((size_t)n < sizeof(bytes))
			break; /* that was all */
	}
	note_noise(s);
}

static void
on_readable(int fd, int revents, void *arg)
{
	struct path_serial *s = arg;

	(void)fd;
	serial_drain(&s->path);
	if ((revents & (POLLHUP | POLLERR)) != 0)
		hung_up(s);
}

static const char *
open_problem(int rc)
{
	switch (-rc) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
	case EIO:
		return "the device is not there";
	case EBUSY:
		return "another program has the device open";
	case ENOTTY:
		return "the device is no serial line";
	case EINVAL:
		return "the device does not run at that speed";
	default:
		return strerror(-rc);
	}
}

static void
serial_up(void *arg)
{
	struct path_serial *s = arg;
	int rc;

	s->told.errors_before += s->line.errors;
	rc = serial_line_open(&s->line, s->own.device, s->own.speed);
	if (rc == 0)
		rc = serial_pump_start(s->line.fd, &s->pump);
	if (rc == 0)
		rc = watch_new(s->loop, serial_pump_fd(s->pump), POLLIN,
		    on_readable, s, &s->watch);
	if (rc < 0) {
		serial_shut(s);
		s->path.problem = open_problem(rc);
		timer_in(&s->retry, RETRY);
		return;
	}
	s->in.len = 0;
	s->in.skip = false;
	s->noise = 0;
	s->path.problem = NULL;
	s->told.carrier = serial_line_carrier(&s->line);
}

static int
serial_send(struct path *p, const void *bytes, size_t len)
{
	struct path_serial *s = (struct path_serial *)p;
	uint8_t mem[SERIAL_WIRE_MAX];
	size_t n = serial_frame_pack(bytes, len, mem);
	ssize_t sent;

	if (s->line.fd < 0)
		return -ENOTCONN;
	if (n == 0)
		return -EMSGSIZE;
	if (serial_line_unsent(&s->line) > ROOM)
		return -EBUSY;
	sent = write(s->line.fd, mem, n);
	if (sent < 0 && errno == EAGAIN)
		return -EBUSY;
	if (sent < 0) {
		timer_in(&s->gone, 0); /* not from inside the sender */
		return -EIO;
	}
	return (size_t)sent == n ? 0 : -EBUSY; /* the CRC refuses a part */
}

/* Once per Tb. */
static void
serial_tick(struct path *p)
{
	struct path_serial *s = (struct path_serial *)p;

	if (s->line.fd < 0)
		return;
	note_noise(s);
	if (serial_line_dropped(&s->line))
		tell_lost(s);
	s->told.carrier = serial_line_carrier(&s->line);
}

static void
serial_close(struct path *p)
{
	struct path_serial *s = (struct path_serial *)p;

	timer_stop(&s->retry);
	timer_stop(&s->gone);
	serial_shut(s);
	free(s);
}

static const struct path_ops serial_ops = {
	.send = serial_send,
	.drain = serial_drain,
	.tick = serial_tick,
	.close = serial_close,
};

int
path_serial_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret)
{
	struct path_serial *s = mem_new(struct path_serial);

	(void)peer;
	s->path = (struct path){ .ops = &serial_ops,
		.index = index,
		.on_frame = fn,
		.arg = arg,
		.line = &s->told };
	s->loop = l;
	s->own = *own;
	s->line.fd = -1;
	timer_init(&s->retry, l, serial_up, s);
	timer_init(&s->gone, l, hung_up, s);
	serial_up(s);
	*ret = &s->path;
	return 0;
}
