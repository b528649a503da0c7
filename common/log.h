/*
 * log: where daemons say what happened, as "key=value key=value". Only
 * daemons/ logs (and common/daemon.c for them); libraries return errors.
 *
 * Lines go to the journal or syslog as datagrams that are dropped, and counted,
 * rather than waited for; to stderr with -f. A ring of everything down to
 * debug, libqb's own words too, is kept in memory and written to a file by
 * log_dump() and on a crash; `qb-blackbox FILE` (libqb-tools) reads it.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <syslog.h>

enum log_target { LOG_TARGET_SYSLOG, LOG_TARGET_STDERR };

/* name as in "yoke-linkd"; level: LOG_INFO shows that and worse. blackbox: the
 * file a crash is dumped to, NULL for none. Strings are borrowed for good. */
void log_init(const char *name, enum log_target target, int level,
    const char *blackbox);
void log_set_level(int level);
int log_dump(const char *file); /* the ring so far; 0 or -errno */
void log_done(void);

__attribute__((format(printf, 5, 6))) void log_write(const char *func,
    const char *file, int line, int level, const char *fmt, ...);

#define log_at(level, ...) \
	log_write(__func__, __FILE__, __LINE__, level, __VA_ARGS__)
#define log_err(...) log_at(LOG_ERR, __VA_ARGS__)         /* service hurt */
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__) /* degraded */
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)   /* state changed */
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
