/*
 * copies: the standby's end of mirror.c: hears the copies of first packets and
 * tells this machine's own kernel of the connections, as if the other director had
 * (its backup thread takes them in; hear.c sees them too).
 */
#ifndef SYNCD_COPIES_H
#define SYNCD_COPIES_H

#include <stdint.h>

struct syncd;

/* Now and then: a standby has it, nobody else. What fails (an address that is not
 * there yet) is tried again at the next look. */
void copies_look(struct syncd *s);
void copies_stop(struct syncd *s);
uint64_t copies_heard(struct syncd *s); /* connections told of, ever */

#endif
