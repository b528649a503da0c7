/*
 * director_impl: what the files of a director share among themselves:
 * director.c (life, events, roles), takeover.c (taking and letting go),
 * rollback.c (terms and storage), mutate.c (changes and their sinks),
 * replica.c (the peer's messages).
 */
#ifndef HA_DIRECTOR_IMPL_H
#define HA_DIRECTOR_IMPL_H

#include "ha/director.h"

/* director.c */
void director_event(struct director *d, enum role_event ev, enum why why);
void director_evaluate(struct director *d);
void director_note(struct director *d, enum note level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void director_fill(struct beat *b, void *arg); /* what we say of ourselves */
void director_heard_of(struct director *d, const struct beat *b);
bool role_holds(enum role r); /* has, or is getting, the VIPs */

/* takeover.c; each returns the event that follows, EV__LAST for none */
enum role_event take_over(struct director *d, struct transition *t);
enum role_event let_go(struct director *d, struct transition *t);
enum role_event ask_standby(struct director *d, struct transition *t);
enum role_event join_as_standby(struct director *d, struct transition *t);
void takeover_start(struct director *d); /* timers */
void takeover_stop(struct director *d);
void announce_again(struct director *d); /* from the first one on */
bool still_lingering(struct director *d); /* too early to let go */
void vips_reload(struct director *d, const struct conf *fresh);

/* rollback.c */
void choose_table(struct director *d); /* that this term begins with */
bool was_told_all(const struct director *d, const struct transition *t);
void begin_term(struct director *d, const char *why); /* above all seen */
void open_store(struct director *d);   /* begins this term's file */
void load_table(struct director *d);   /* asks the store */
void load_again(struct director *d);   /* or goes on without, when active */
void outrank_seen(struct director *d); /* nobody else's term is above ours */

/* mutate.c */
void early_forget(struct director *d);
void early_redo(struct director *d); /* on the table that replaced ours */
void ipvs_changed(struct director *d, const struct change *c);
int mutate(struct director *d, struct change *c); /* numbers, applies, tells */
void table_replace(struct director *d, struct table *fresh); /* takes fresh */

/* follow.c: the definitions of a configuration; returns how many changes lead
 * to want, of which many are made one after the other from now on. _conf: those
 * of d->conf, all made on return. _again: the table is another one now. */
size_t table_follow(struct director *d, const struct table *want);
void table_follow_conf(struct director *d);
void follow_again(struct director *d);
void follow_start(struct director *d);
void follow_stop(struct director *d);

/* replica.c */
void replica_tick(struct director *d);
void replica_lost(struct director *d);
bool replica_newest(const struct director *d);

#endif
