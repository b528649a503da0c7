/*
 * silence: see silence.h.
 */
#include "ha/silence.h"

#include "ha/pace.h"

#define FORGET 64 /* beats; 1.3 s at the default interval */

void
silence_forget(struct silence *s)
{
	*s = (struct silence){ 0 };
}

/* Unknown is as late as can be, until the first beats have told. */
void
silence_note(struct silence *s, usec_t gap, usec_t tb)
{
	usec_t late = gap > tb ? gap % tb : 0;

	if (!s->known)
		s->late = tb / 4;
	s->known = true;
	s->late -= (s->late + FORGET - 1) / FORGET;
	if (late < tb / 2 && late > s->late)
		s->late = late;
}

usec_t
silence_margin(const struct silence *s, uint32_t speed, usec_t tb)
{
	if (speed != 0 || !s->known || s->late > tb / 4)
		return tb / 4;
	return s->late > tb / 16 ? s->late : tb / 16;
}

/* On a line, never before a sign of life that is held up by a whole beat can be
 * here, or while it brought beats only, two of them. */
usec_t
silence_patience(const struct silence *s, uint32_t speed, bool in_pace,
    usec_t tb, unsigned misses, bool hint)
{
	usec_t n = tb * misses, least;

	least = (n > 3 * tb ? n / 2 : tb + tb / 2) + pace_hold_up(speed);
	if (speed != 0 && !in_pace)
		least += 2 * pace_beats_only(speed, tb);
	if (hint)
		return least;
	n += silence_margin(s, speed, tb);
	return speed != 0 && n < least ? least : n;
}
