/*
 * serial_pump: what comes in on a terminal, without ever waiting for it.
 *
 * The kernel's poll and read of a terminal wait for a kernel worker to pass on
 * what the driver has (drivers/tty/n_tty.c: n_tty_poll, n_tty_read;
 * tty_buffer_flush_work), even with O_NONBLOCK. That worker has no priority:
 * beside a real-time hog a manager that reads by itself stands still for seconds. So
 * a thread reads, and the loop watches a pipe.
 */
#ifndef HA_SERIAL_PUMP_H
#define HA_SERIAL_PUMP_H

struct serial_pump;

/* Reads tty (a duplicate of it) from now on, at the priority of the process.
 * 0 or -errno; caller stops it. */
int serial_pump_start(int tty, struct serial_pump **ret);

/* To be watched and read, non-blocking: the bytes; their end is a hang-up. What
 * does not fit into the pipe is lost, as on a line. */
int serial_pump_fd(const struct serial_pump *p);

/* At once, also while the thread waits: it ends, and closes its tty, when it
 * can. NULL: no-op. */
void serial_pump_stop(struct serial_pump *p);

#endif
