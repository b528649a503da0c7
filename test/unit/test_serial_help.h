/*
 * test_serial_help: a null-modem cable between two pseudo terminals, in the
 * test's own loop, and waiting for conditions on that loop.
 */
#ifndef TEST_UNIT_TEST_SERIAL_HELP_H
#define TEST_UNIT_TEST_SERIAL_HELP_H

#include <stdbool.h>

#include "common/loop.h"
#include "test/scratch.h"

struct cable_end {
	int master, slave; /* the slave is held, as a driver stays loaded */
	char link[SCRATCH_LEN + 16];	   /* the device's name for whole of the cable's life */
	struct watch *watch;
	struct cable_end *other;
	struct cable *cable;
};

struct cable {
	struct loop *loop;
	char dir[SCRATCH_LEN];
	struct cable_end ends[2];
	bool cut, garble;  /* bytes are lost; are other ones */
	uint64_t bytes[2]; /* that came out of each end */
	size_t most;	   /* in one piece */
};

void cable_lay(struct cable *c, struct loop *l);
void cable_remove(struct cable *c);
void cable_hang_up(struct cable *c, unsigned end); /* that device is gone */
void cable_plug(struct cable *c, unsigned end);	   /* and back */
void cable_write(struct cable *c, unsigned end, const void *p, size_t n);

/* Runs the loop until fn(arg), false after that long. */
bool run_until(struct loop *l, bool (*fn)(void *arg), void *arg, usec_t t);
void run_for(struct loop *l, usec_t t);

#endif
