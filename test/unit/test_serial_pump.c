/*
 * test_serial_pump: bytes of a pseudo terminal through the thread and its pipe.
 * That nothing waits beside a real-time hog is the drill busy-rt-active.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ha/serial_pump.h"
#include "test/tap.h"

struct ends {
	int master, slave;
	struct serial_pump *pump;
};

static int
ends_open(struct ends *e)
{
	struct termios t;

	*e = (struct ends){ -1, -1, NULL };
	if (openpty(&e->master, &e->slave, NULL, NULL, NULL) < 0 ||
	    tcgetattr(e->slave, &t) < 0)
		return -errno;
	cfmakeraw(&t);
	if (tcsetattr(e->slave, TCSANOW, &t) < 0 ||
	    fcntl(e->slave, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return serial_pump_start(e->slave, &e->pump);
}

/* What the pipe has within 5 s; 0: its end; -1: nothing. */
static ssize_t
get(const struct ends *e, char *mem, size_t len)
{
	struct pollfd p = { .fd = serial_pump_fd(e->pump), .events = POLLIN };

	return poll(&p, 1, 5000) == 1 ? read(p.fd, mem, len) : -1;
}

static void
ends_close(struct ends *e)
{
	serial_pump_stop(e->pump);
	if (e->master >= 0)
		(void)close(e->master);
	if (e->slave >= 0)
		(void)close(e->slave);
}

/* The terminal is the thread's alone by now; it lets go of it. */
static bool
is_free(int master)
{
	struct pollfd p = { .fd = master, .events = 0 };

	return poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP) != 0;
}

static void
test_bytes(void)
{
	struct ends e;
	char got[64];

	is_int(ends_open(&e), 0, "a pump on a terminal");
	is_int(read(serial_pump_fd(e.pump), got, sizeof(got)), -1,
	    "nothing came: nothing to read");
	is_int(errno, EAGAIN, "and no waiting");
	(void)!write(e.master, "one", 3);
	is_int(get(&e, got, sizeof(got)), 3, "three bytes come through");
	ok(memcmp(got, "one", 3) == 0, "the same ones");
	(void)close(e.slave);
	e.slave = -1;
	serial_pump_stop(e.pump);
	e.pump = NULL;
	ok(is_free(e.master), "stopped: it lets go of the terminal");
	ends_close(&e);
}

static void
test_hang_up(void)
{
	struct ends e;
	char got[64];

	(void)ends_open(&e);
	(void)!write(e.master, "last", 4);
	is_int(get(&e, got, sizeof(got)), 4, "what came before a hang-up");
	(void)close(e.master);
	e.master = -1;
	is_int(get(&e, got, sizeof(got)), 0, "then the end, at once");
	ends_close(&e);
}

/* Nobody reads: bytes are lost, and neither side waits. */
static void
test_full(void)
{
	static char mem[1 << 17];
	struct ends e;
	size_t sent = 0, got = 0;
	ssize_t n;
	int i;

	(void)ends_open(&e);
	for (i = 0; i < 400; i++) {
		struct pollfd p = { .fd = e.master, .events = POLLOUT };

		if (poll(&p, 1, 5000) != 1)
			break;
		n = write(e.master, mem, 512);
		sent += n > 0 ? (size_t)n : 0;
	}
	ok(sent >= 200000, "a line that nobody reads does not stop (%zu)",
	    sent);
	while ((n = read(serial_pump_fd(e.pump), mem, sizeof(mem))) > 0)
		got += (size_t)n;
	ok(got > 0 && got < sent, "what found no place is lost (%zu)", got);
	ends_close(&e);
}

int
main(void)
{
	serial_pump_stop(NULL);
	test_bytes();
	test_hang_up();
	test_full();
	return done();
}
