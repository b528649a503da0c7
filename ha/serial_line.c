/*
 * serial_line: see serial_line.h. termios(3), tty_ioctl(4).
 */
#include "ha/serial_line.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/mem.h"

#define PRESENT (TIOCM_CD | TIOCM_DSR) /* the other end has power */

static const struct {
	uint32_t speed;
	speed_t code;
} speeds[] = {
#define SPEED(n) { n, B##n },
#include "schema/speeds.def"
#undef SPEED
};

static int
speed_code(uint32_t speed, speed_t *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(speeds); i++)
		if (speeds[i].speed == speed) {
			*ret = speeds[i].code;
			return 0;
		}
	return -EINVAL;
}

/* A console of a virtual machine keeps every attribute of hardware as it is:
 * it has no speed that could be wrong. */
static bool
has_no_speed(int fd, const struct termios *t)
{
	struct termios probe = *t, got = *t;

	probe.c_cflag ^= CSTOPB;
	(void)tcsetattr(fd, TCSANOW, &probe);
	(void)tcgetattr(fd, &got);
	(void)tcsetattr(fd, TCSANOW, t);
	return ((got.c_cflag ^ t->c_cflag) & CSTOPB) == 0;
}

/* What the driver made of it is what counts. */
static int
raw_8n1(int fd, const struct termios *was, speed_t code)
{
	struct termios t = *was, got;

	cfmakeraw(&t); /* also 8 bits, no parity */
	t.c_iflag &= ~(tcflag_t)(IXOFF | IXANY | INPCK);
	t.c_iflag |= IGNBRK;
	t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
	t.c_cflag |= CREAD | CLOCAL | HUPCL;
	t.c_cc[VMIN] = 1; /* so that reading 0 bytes is a hang-up */
	t.c_cc[VTIME] = 0;
	if (cfsetispeed(&t, code) < 0 || cfsetospeed(&t, code) < 0 ||
	    tcsetattr(fd, TCSANOW, &t) < 0 || tcgetattr(fd, &got) < 0)
		return -errno;
	if ((got.c_lflag & (ICANON | ECHO)) != 0)
		return -EINVAL;
	if (cfgetospeed(&got) == code && (got.c_cflag & CSIZE) == CS8 &&
	    (got.c_cflag & (PARENB | CSTOPB | CRTSCTS)) == 0)
		return 0;
	return has_no_speed(fd, &got) ? 0 : -EINVAL;
}

/* With CLOCAL off the kernel hangs up when DCD drops. */
static void
hang_up_by_carrier(const struct serial_line *l)
{
	struct termios t;
	tcflag_t was;

	if (tcgetattr(l->fd, &t) < 0)
		return;
	was = t.c_cflag;
	if ((l->lines & TIOCM_CD) != 0)
		t.c_cflag &= ~(tcflag_t)CLOCAL;
	else
		t.c_cflag |= CLOCAL;
	if (t.c_cflag != was)
		(void)tcsetattr(l->fd, TCSANOW, &t);
}

/* What the driver counts. moved: DCD or DSR are not what they were. */
static bool
count(struct serial_line *l, bool *moved)
{
	struct serial_icounter_struct c;
	unsigned moves, noise;

	if (ioctl(l->fd, TIOCGICOUNT, &c) < 0)
		return false;
	moves = (unsigned)c.dcd + (unsigned)c.dsr;
	noise = (unsigned)c.frame + (unsigned)c.parity + (unsigned)c.overrun;
	*moved = moves != l->moves;
	l->errors += noise - l->noise;
	l->moves = moves;
	l->noise = noise;
	return true;
}

/* Asked again once CLOCAL is off: it may have dropped just before. */
static void
carrier_begin(struct serial_line *l)
{
	bool moved;

	l->counts = count(l, &moved);
	l->errors = 0;
	l->modem = ioctl(l->fd, TIOCMGET, &l->lines) == 0;
	if (!l->modem)
		return;
	hang_up_by_carrier(l);
	(void)ioctl(l->fd, TIOCMGET, &l->lines);
}

static int
set_up(struct serial_line *l, uint32_t speed)
{
	speed_t code;
	int rc = speed_code(speed, &code);

	if (rc < 0)
		return rc;
	if (tcgetattr(l->fd, &l->was) < 0)
		return -errno;
	/* TIOCEXCL keeps others out, but not root. */
	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (ioctl(l->fd, TIOCEXCL) < 0)
		return -errno;
	rc = raw_8n1(l->fd, &l->was, code);
	if (rc < 0)
		return rc;
	(void)tcflush(l->fd, TCIOFLUSH);
	carrier_begin(l);
	return 0;
}

int
serial_line_open(struct serial_line *l, const char *device, uint32_t speed)
{
	int rc;

	*l = (struct serial_line){ .fd = -1 };
	l->fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (l->fd < 0)
		return -errno;
	rc = set_up(l, speed);
	if (rc < 0) {
		close(l->fd);
		l->fd = -1;
	}
	return rc;
}

void
serial_line_close(struct serial_line *l)
{
	if (l->fd < 0)
		return;
	/* close() would wait for what was not sent. */
	(void)tcflush(l->fd, TCIOFLUSH);
	(void)tcsetattr(l->fd, TCSANOW, &l->was);
	(void)ioctl(l->fd, TIOCNXCL);
	(void)flock(l->fd, LOCK_UN); /* a duplicate may live on for a moment */
	close(l->fd);
	l->fd = -1;
}

bool
serial_line_dropped(struct serial_line *l)
{
	int was = l->lines;
	bool moved = false;

	if (l->fd < 0 || !l->modem)
		return false;
	if (l->counts && count(l, &moved) && !moved)
		return false;
	if (ioctl(l->fd, TIOCMGET, &l->lines) < 0)
		l->lines = was; /* hung up: reading tells */
	if (((was ^ l->lines) & TIOCM_CD) != 0)
		hang_up_by_carrier(l);
	return (was & ~l->lines & PRESENT) != 0;
}

enum carrier
serial_line_carrier(const struct serial_line *l)
{
	if (l->fd < 0 || !l->modem)
		return CARRIER_UNKNOWN;
	return (l->lines & PRESENT) != 0 ? CARRIER_YES : CARRIER_NO;
}

size_t
serial_line_unsent(const struct serial_line *l)
{
	int n = 0;

	if (ioctl(l->fd, TIOCOUTQ, &n) < 0 || n < 0)
		return 0;
	return (size_t)n;
}
