/*
 * link_fake: the ordered channel between two nodes: messages and changes of
 * membership in one order, as corosync and yoke-linkd give them.
 *
 * Each end has an inbox. What stands in it waits for its time, for the wire
 * (link_fake_cut) and for the receiver's loop. Cut for longer than `token`, the
 * ends lose each other (NODEDOWN) and what was on its way; healed sooner,
 * nothing is lost, as with corosync's retransmission.
 */
#ifndef TEST_FAKE_LINK_FAKE_H
#define TEST_FAKE_LINK_FAKE_H

#include "ha/link.h"
#include "test/fake/loop_fake.h"

struct link_item;
struct link_fake;

struct link_user { /* where an end delivers */
	void (*on_members)(const struct link_members *m, void *arg);
	void (*on_message)(
	    enum msg_id id, const void *body, size_t len, void *arg);
	void *arg;
};

struct link_end {
	struct link_fake *link;
	unsigned side;
	bool linkd;          /* the process runs */
	bool corosync;       /* so does corosync */
	bool attached;       /* the manager is there */
	struct loop *loop;   /* of the manager */
	struct link_user user;
	struct link_item *inbox; /* in order */
	usec_t last;         /* arrival of the last in it */
	struct timer arrival;
	struct link_members told;
	uint64_t sent, received;
};

struct link_fake {
	uint64_t rng;
	struct loop *world;
	struct link_end ends[2];
	usec_t delay, jitter; /* of a message */
	usec_t notice;        /* until the other hears of a process's death */
	usec_t token;         /* until it hears of a node's */
	usec_t rejoin;        /* after a heal */
	unsigned drop_next;   /* loses so many messages: never in corosync */
	bool full;            /* send says -ENOBUFS */
	bool cut, lost;       /* the wire; and since longer than token */
	struct timer token_end, rejoin_end;
};

extern const struct link_ops link_fake_ops; /* ctx: struct link_end * */

void link_fake_init(struct link_fake *k, struct loop *world, uint64_t seed);
void link_fake_done(struct link_fake *k);

void link_fake_attach(struct link_fake *k, unsigned side, struct loop *l,
    const struct link_user *u);
/* The manager goes; how: LINK_LEFT, LINK_PROCDOWN, LINK_NODEDOWN. */
void link_fake_detach(
    struct link_fake *k, unsigned side, enum link_loss how);
void link_fake_linkd(struct link_fake *k, unsigned side, bool runs);
void link_fake_corosync(struct link_fake *k, unsigned side, bool runs);
void link_fake_cut(struct link_fake *k, bool cut);

#endif
