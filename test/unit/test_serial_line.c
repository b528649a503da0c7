/*
 * test_serial_line: one end of a serial path on a real pseudo terminal: how it
 * is set up, what hang-up and modem lines do (played: ptys have none), garbage,
 * a device that comes and goes, one that is not read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/path.h"
#include "ha/serial_frame.h"
#include "test/tap.h"
#include "test/unit/test_serial_help.h"

/* ---- the driver's part that a pty does not play ---- */

static struct {
	bool modem, counts; /* has TIOCMGET, TIOCGICOUNT */
	int lines, unsent, frame_errors;
	struct serial_icounter_struct c;
	unsigned asked; /* TIOCMGET */
	tcflag_t keeps; /* bits of c_cflag that cannot be set */
} driver;

int __real_tcsetattr(int fd, int when, const struct termios *t);
int __wrap_tcsetattr(int fd, int when, const struct termios *t);

int
__wrap_tcsetattr(int fd, int when, const struct termios *t)
{
	struct termios was, set = *t;

	if (tcgetattr(fd, &was) == 0 && driver.keeps != 0) {
		set.c_cflag &= ~driver.keeps;
		set.c_cflag |= was.c_cflag & driver.keeps;
		(void)cfsetospeed(&set, cfgetospeed(&was));
		(void)cfsetispeed(&set, cfgetispeed(&was));
	}
	return __real_tcsetattr(fd, when, &set);
}

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, ...);

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == TIOCMGET && driver.modem) {
		driver.asked++;
		*(int *)arg = driver.lines;
		return 0;
	}
	if (request == TIOCGICOUNT && driver.counts) {
		*(struct serial_icounter_struct *)arg = driver.c;
		return 0;
	}
	if (request == TIOCOUTQ && driver.unsent > 0) {
		*(int *)arg = driver.unsent;
		return 0;
	}
	return __real_ioctl(fd, request, arg);
}

static void
set_lines(int lines)
{
	int moved = driver.lines ^ lines;

	driver.c.dcd += (moved & TIOCM_CD) != 0;
	driver.c.dsr += (moved & TIOCM_DSR) != 0;
	driver.lines = lines;
}

/* ---- one path ---- */

struct bench {
	struct loop *loop;
	struct cable cable;
	struct conf_path conf;
	struct path *path;
	unsigned frames, lost;
	uint8_t last[SERIAL_PAYLOAD_MAX];
	size_t last_len;
	usec_t lost_at;
};

static void
on_frame(unsigned index, const void *bytes, size_t len, void *arg)
{
	struct bench *b = arg;

	(void)index;
	b->frames++;
	memcpy(b->last, bytes, len);
	b->last_len = len;
}

static void
on_lost(unsigned index, void *arg)
{
	struct bench *b = arg;

	(void)index;
	b->lost++;
	b->lost_at = loop_now(b->loop);
}

static void
open_path(struct bench *b)
{
	if (path_open(b->loop, &b->conf, &b->conf, 3, on_frame, b, &b->path) <
	    0)
		abort();
	b->path->on_lost = on_lost;
}

static struct bench *
bench_new(void)
{
	struct bench *b = mem_new(struct bench);

	memset(&driver, 0, sizeof(driver));
	if (loop_new(&b->loop) < 0)
		abort();
	cable_lay(&b->cable, b->loop);
	b->conf = (struct conf_path){
		.name = "line", .type = PATH_SERIAL, .speed = 115200
	};
	strcpy(b->conf.device, b->cable.ends[0].link);
	return b;
}

static struct bench *
bench_open(void)
{
	struct bench *b = bench_new();

	open_path(b);
	return b;
}

static void
bench_free(struct bench *b)
{
	b->path->ops->close(b->path);
	cable_remove(&b->cable);
	loop_free(b->loop);
	free(b);
}

static void
frame_in(struct bench *b, const char *text)
{
	uint8_t wire[SERIAL_WIRE_MAX];
	size_t n = serial_frame_pack(text, strlen(text), wire);

	cable_write(&b->cable, 0, wire, n);
}

static bool
has_frame(void *arg)
{
	struct bench *b = arg;

	return b->frames > 0;
}

static bool
is_lost(void *arg)
{
	struct bench *b = arg;

	return b->lost > 0;
}

static bool
works(void *arg)
{
	struct bench *b = arg;

	return b->path->problem == NULL;
}

static struct termios
attributes(struct bench *b)
{
	struct termios t;

	if (tcgetattr(b->cable.ends[0].slave, &t) < 0)
		abort();
	return t;
}

static void
test_setup(void)
{
	struct bench *b = bench_new();
	struct termios was = attributes(b), t;
	struct path *second;

	cfsetospeed(&was, B2400);
	cfsetispeed(&was, B2400);
	was.c_cflag |= CSTOPB;
	tcsetattr(b->cable.ends[0].slave, TCSANOW, &was);
	was = attributes(b);
	open_path(b);
	t = attributes(b);
	is_int(cfgetospeed(&t), B115200, "the speed is set");
	ok((t.c_lflag & (ICANON | ECHO | ISIG)) == 0, "it is raw");
	ok((t.c_iflag & (IXON | IXOFF | ICRNL | ISTRIP)) == 0 &&
		(t.c_oflag & OPOST) == 0,
	    "nothing is changed on its way");
	ok((t.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS)) == CS8,
	    "8N1 without flow control");
	ok((t.c_cflag & CLOCAL) != 0, "no carrier known: none is waited for");
	ok(b->path->problem == NULL, "it works");
	is_int(b->path->line->carrier, CARRIER_UNKNOWN, "carrier: unknown");
	if (path_open(b->loop, &b->conf, &b->conf, 4, on_frame, b, &second) < 0)
		abort();
	is_str(second->problem, "another program has the device open",
	    "a second one is refused");
	second->ops->close(second);
	b->path->ops->close(b->path);
	t = attributes(b);
	ok(cfgetospeed(&t) == B2400 && t.c_cflag == was.c_cflag &&
		t.c_iflag == was.c_iflag && t.c_lflag == was.c_lflag &&
		t.c_oflag == was.c_oflag,
	    "closing puts it back as it was");
	open_path(b);
	bench_free(b);
}

static bool
one_came_out(void *arg)
{
	struct bench *b = arg;

	return b->cable.bytes[0] >= SERIAL_WIRE(6);
}

static bool
two_came_out(void *arg)
{
	struct bench *b = arg;

	return b->cable.bytes[0] >= 2 * SERIAL_WIRE(6);
}

static bool
has_problem(void *arg)
{
	struct bench *b = arg;

	return b->path->problem != NULL;
}

static bool
is_missing(void *arg)
{
	struct bench *b = arg;

	return b->path->problem != NULL &&
	       strcmp(b->path->problem, "the device is not there") == 0;
}

static void
test_frames(void)
{
	struct bench *b = bench_open();

	frame_in(b, "hello");
	ok(run_until(b->loop, has_frame, b, 5 * USEC_S), "a frame comes in");
	ok(b->last_len == 5 && memcmp(b->last, "hello", 5) == 0, "whole");
	is_int(b->path->ops->send(b->path, "answer", 6), 0, "one goes out");
	(void)run_until(b->loop, one_came_out, b, 5 * USEC_S);
	is_int(b->cable.bytes[0], SERIAL_WIRE(6), "in its frame");
	driver.unsent = 100;
	is_int(b->path->ops->send(b->path, "newer", 5), -EBUSY,
	    "none into a queue: the line is not done with the last");
	driver.unsent = 7;
	is_int(b->path->ops->send(b->path, "newest", 6), 0,
	    "a few bytes may be left");
	(void)run_until(b->loop, two_came_out, b, 5 * USEC_S);
	run_for(b->loop, 20 * USEC_MS);
	is_int(b->cable.bytes[0], 2 * SERIAL_WIRE(6), "the refused is gone");
	bench_free(b);
}

/* A line that nobody reads: sending never blocks. */
static void
test_full(void)
{
	struct bench *b = bench_open();
	uint8_t text[200] = { 1 };
	unsigned i, busy = 0;
	usec_t start;

	watch_free(b->cable.ends[0].watch);
	b->cable.ends[0].watch = NULL;
	start = loop_now(b->loop);
	for (i = 0; i < 5000; i++)
		busy += b->path->ops->send(b->path, text, sizeof(text)) != 0;
	ok(busy > 0, "full: %u of 5000 were refused", busy);
	ok(loop_now(b->loop) - start < 5 * USEC_S, "and none waited");
	start = loop_now(b->loop);
	b->path->ops->close(b->path);
	ok(loop_now(b->loop) - start < USEC_S, "nor does closing");
	open_path(b);
	bench_free(b);
}

static void
test_garbage(void)
{
	struct bench *b = bench_open();
	uint8_t noise[200];
	unsigned i;

	for (i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 37 % 255 + 1);
	cable_write(&b->cable, 0, noise, 20);
	frame_in(b, "first");
	ok(run_until(b->loop, has_frame, b, 5 * USEC_S),
	    "the frame after garbage is found");
	ok(b->path->problem == NULL, "a little noise is no problem");
	is_int(b->path->line->garbage, 20, "but counted");
	for (i = 0; i < 5; i++) {
		cable_write(&b->cable, 0, noise, sizeof(noise));
		cable_write(&b->cable, 0, "", 1);
	}
	(void)run_until(b->loop, has_problem, b, 5 * USEC_S);
	run_for(b->loop, 50 * USEC_MS);
	is_str(b->path->problem != NULL ? b->path->problem : "",
	    "garbage on the line: wrong speed on the other side?",
	    "garbage and nothing else is told");
	is_int(b->path->line->garbage, 1020, "every byte is counted");
	b->frames = 0;
	frame_in(b, "after");
	ok(run_until(b->loop, has_frame, b, 5 * USEC_S), "the next frame");
	ok(b->path->problem == NULL, "ends that");
	is_int(b->path->line->frames, 2, "two frames in all");
	/* A receiver at the wrong speed mostly sees framing errors. */
	driver.counts = driver.modem = true;
	bench_free(b);
	b = bench_new();
	driver.counts = driver.modem = true;
	open_path(b);
	driver.c.frame += 500;
	b->path->ops->tick(b->path);
	b->path->ops->tick(b->path);
	ok(b->path->problem != NULL, "framing errors alone are told too");
	is_int(b->path->line->garbage, 500, "and counted");
	bench_free(b);
}

static void
test_hang_up(void)
{
	struct bench *b = bench_open();
	usec_t start = loop_now(b->loop);

	cable_hang_up(&b->cable, 0);
	ok(run_until(b->loop, is_lost, b, 5 * USEC_S), "a hang-up is told");
	ok(b->lost_at - start < USEC_S / 2, "not by a timer: after %llu us",
	    (unsigned long long)(b->lost_at - start));
	is_int(b->lost, 1, "once");
	is_int(b->path->line->hangups, 1, "it is counted");
	is_str(b->path->problem,
	    "hung up: the other side is off or the cable is unplugged",
	    "and status says so");
	is_int(b->path->ops->send(b->path, "x", 1), -ENOTCONN, "none goes out");
	ok(run_until(b->loop, is_missing, b, 10 * USEC_S),
	    "it is looked for again");
	cable_plug(&b->cable, 0);
	ok(run_until(b->loop, works, b, 10 * USEC_S),
	    "plugged in again: works");
	frame_in(b, "back");
	ok(run_until(b->loop, has_frame, b, 5 * USEC_S),
	    "frames come in again");
	is_int(b->lost, 1, "that was all");
	bench_free(b);
}

static void
test_missing(void)
{
	static const struct {
		const char *device, *problem;
	} rows[] = {
		{ "/nonexistent/ttyS9", "the device is not there" },
		{ "/dev/null", "the device is no serial line" },
		{ "/etc", "Is a directory" },
	};
	struct bench *b = bench_new();
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strcpy(b->conf.device, rows[i].device);
		open_path(b);
		is_str(b->path->problem, rows[i].problem, "%s", rows[i].device);
		b->path->ops->close(b->path);
	}
	strcpy(b->conf.device, b->cable.ends[0].link);
	b->conf.speed = 1234;
	open_path(b);
	is_str(b->path->problem, "the device does not run at that speed",
	    "a speed that there is not");
	bench_free(b);
}

static void
test_speed_kept(void)
{
	struct bench *b = bench_new();

	driver.keeps = CBAUD;
	open_path(b);
	is_str(b->path->problem, "the device does not run at that speed",
	    "a device that keeps another speed");
	bench_free(b);
	b = bench_new();
	driver.keeps = (tcflag_t) ~(HUPCL | CREAD | CLOCAL);
	open_path(b);
	ok(b->path->problem == NULL, "a virtual one, that has none, works");
	frame_in(b, "hello");
	ok(run_until(b->loop, has_frame, b, 5 * USEC_S), "frames come in");
	bench_free(b);
}

static unsigned
clocal(struct bench *b)
{
	return (attributes(b).c_cflag & CLOCAL) != 0;
}

static void
test_modem_lines(bool counts)
{
	struct bench *b = bench_new();
	const char *how = counts ? "counted" : "asked for";
	unsigned i;

	driver.modem = true;
	driver.counts = counts;
	open_path(b);
	is_int(b->path->line->carrier, CARRIER_NO, "%s: no carrier", how);
	is_int(clocal(b), 1, "%s: works without", how);
	set_lines(TIOCM_CD | TIOCM_DSR);
	b->path->ops->tick(b->path);
	is_int(b->path->line->carrier, CARRIER_YES, "%s: carrier", how);
	is_int(clocal(b), 0, "%s: now the kernel hangs up with it", how);
	is_int(b->lost, 0, "%s: that is no loss", how);
	driver.asked = 0;
	for (i = 0; i < 100; i++)
		b->path->ops->tick(b->path);
	is_int(driver.asked, counts ? 0 : 100, "%s: lines read", how);
	set_lines(TIOCM_CD);
	b->path->ops->tick(b->path);
	is_int(b->lost, 1, "%s: DSR drops: told", how);
	is_int(b->path->line->carrier, CARRIER_YES, "%s: DCD is there", how);
	set_lines(0);
	b->path->ops->tick(b->path);
	is_int(b->lost, 2, "%s: DCD drops: told", how);
	is_int(b->path->line->carrier, CARRIER_NO, "%s: no carrier", how);
	is_int(b->path->line->hangups, 2, "%s: both are counted", how);
	set_lines(TIOCM_CD);
	b->path->ops->tick(b->path);
	is_int(b->path->line->carrier, CARRIER_YES, "%s: and back", how);
	bench_free(b);
}

int
main(void)
{
	test_setup();
	test_frames();
	test_full();
	test_garbage();
	test_hang_up();
	test_missing();
	test_speed_kept();
	test_modem_lines(true);
	test_modem_lines(false);
	return done();
}
