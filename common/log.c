/*
 * log: libqb's logging with targets of our own.
 *
 * syslog(3) waits when journald does not read, which would hang yoked; so the
 * syslog target is a datagram socket that never waits. libqb logs itself:
 * only lines from our own folders are shown, all of them go to the ring.
 */
#include "common/log.h"

#include <errno.h>
#include <qb/qbdefs.h>
#include <qb/qblog.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"

#define OURS "^\\(daemons\\|common\\|test\\)/" /* a basic expression */
#define RING_BYTES (256 * 1024)

/* One per process, as libqb's own state is. */
static struct {
	const char *name, *blackbox;
	int fd, target;
	unsigned long dropped;
} self = { .fd = -1 };

static void
to_socket(int32_t t, struct qb_log_callsite *cs, struct timespec *when,
    const char *msg)
{
	static const struct sockaddr_un addr = { AF_UNIX, "/dev/log" };
	char line[1024];
	int n;

	(void)t;
	(void)when;
	n = snprintf(line, sizeof(line), "<%d>%s[%d]: %s",
	    LOG_DAEMON | cs->priority, self.name, (int)getpid(), msg);
	if (self.dropped > 0 && n < (int)sizeof(line))
		n += snprintf(line + n, sizeof(line) - (size_t)n,
		    " log_dropped=%lu", self.dropped);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (sendto(self.fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&addr, sizeof(addr)) == n)
		self.dropped = 0;
	else
		self.dropped++;
}

static void
on_crash(int sig)
{
	if (self.blackbox != NULL)
		(void)qb_log_blackbox_write_to_file(self.blackbox);
	raise(sig); /* SA_RESETHAND: the default action now */
}

static void
catch_crashes(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	struct sigaction sa = { .sa_handler = on_crash,
		.sa_flags = SA_RESETHAND | SA_NODEFER }, old;
	size_t i;

	for (i = 0; i < ARRAY_LEN(sigs); i++)
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL) /* not a sanitizer's */
			(void)sigaction(sigs[i], &sa, NULL);
}

/* The ring is a file in /dev/shm that a killed process would leave there. Our
 * mapping of it is enough. */
static void
start_ring(void)
{
	char path[128];

	(void)qb_log_ctl(QB_LOG_BLACKBOX, QB_LOG_CONF_SIZE, RING_BYTES);
	(void)qb_log_filter_ctl(QB_LOG_BLACKBOX, QB_LOG_FILTER_ADD,
	    QB_LOG_FILTER_FILE, "*", LOG_DEBUG);
	(void)qb_log_ctl(QB_LOG_BLACKBOX, QB_LOG_CONF_ENABLED, QB_TRUE);
	(void)snprintf(path, sizeof(path), "/dev/shm/qb-%s-%d-blackbox-header",
	    self.name, (int)getpid());
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "/dev/shm/qb-%s-%d-blackbox-data",
	    self.name, (int)getpid());
	(void)unlink(path);
}

void
log_init(const char *name, enum log_target target, int level,
    const char *blackbox)
{
	self.name = name;
	self.blackbox = blackbox;
	qb_log_init(name, LOG_DAEMON, LOG_EMERG);
	(void)qb_log_ctl(QB_LOG_SYSLOG, QB_LOG_CONF_ENABLED, QB_FALSE);
	if (target == LOG_TARGET_STDERR) {
		self.target = QB_LOG_STDERR;
		qb_log_format_set(QB_LOG_STDERR, "%p %b");
	} else {
		self.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		self.target =
		    qb_log_custom_open(to_socket, NULL, NULL, NULL);
		qb_log_format_set(self.target, "%b");
	}
	start_ring();
	log_set_level(level);
	(void)qb_log_ctl(self.target, QB_LOG_CONF_ENABLED, QB_TRUE);
	catch_crashes();
}

void
log_set_level(int level)
{
	(void)qb_log_filter_ctl(self.target, QB_LOG_FILTER_CLEAR_ALL,
	    QB_LOG_FILTER_FILE, "*", LOG_TRACE);
	(void)qb_log_filter_ctl(self.target, QB_LOG_FILTER_ADD,
	    QB_LOG_FILTER_FILE_REGEX, OURS, (uint8_t)level);
}

int
log_dump(const char *file)
{
	ssize_t n = qb_log_blackbox_write_to_file(file);

	return n < 0 ? (int)n : 0;
}

void
log_done(void)
{
	qb_log_fini();
	if (self.fd >= 0)
		close(self.fd);
	self.fd = -1;
}

void
log_write(const char *func, const char *file, int line, int level,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	qb_log_from_external_source_va(
	    func, file, fmt, (uint8_t)level, (uint32_t)line, 0, ap);
	va_end(ap);
}
