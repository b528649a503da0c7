/*
 * mirror_cards: the cards of this machine that copy, or are ready to (mirror_tc.h).
 * They wait for the kernel as mirror_nl.h does. 0 or a negative NLE_*.
 */
#ifndef SYNCD_MIRROR_CARDS_H
#define SYNCD_MIRROR_CARDS_H

#include <stdbool.h>

struct mirror;
struct syncd;

/* New cards are made ready; what is no card any more, or is down, is left. */
int mirror_cards_follow(struct mirror *m);
/* Those that do not copy yet do, into the mirror's device. */
int mirror_cards_copy(struct syncd *s);
void mirror_cards_still(struct mirror *m); /* none copies */
/* Nothing of ours is left on any card, whoever put it there; on busy ones the queue
 * stays. */
void mirror_cards_clean(struct mirror *m, bool busy);

#endif
