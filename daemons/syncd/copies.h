/*
 * copies: the standby's end of mirror.c: hears the copies of first packets and
 * tells this machine's own kernel of the connections, as if the other director had
 * (its backup thread takes them in; hear.c sees them too).
 */
#ifndef SYNCD_COPIES_H
#define SYNCD_COPIES_H

#include <stdint.h>

struct syncd;

/* 0 or -errno. Only a standby has it; it ends with the role. */
int copies_start(struct syncd *s);
void copies_stop(struct syncd *s);
uint64_t copies_heard(struct syncd *s); /* connections told of, ever */

#endif
