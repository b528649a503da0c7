/*
 * sim: two whole directors, production code unchanged, on one fake clock with
 * fake wires, corosync, storage, addresses and kernels between and below them.
 * What is done to them and what is true of them are functions here; scn.c reads
 * scenarios that call them, sim_soak.c calls them at random.
 *
 * Times are on the world's clock, from 0 at sim_new().
 */
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include "ha/director.h"
#include "test/fake/fence_fake.h"
#include "test/fake/link_fake.h"
#include "test/fake/lvs_fake.h"
#include "test/fake/path_fake.h"
#include "test/fake/store_fake.h"
#include "test/fake/vip_fake.h"

#define SIM_NODES 2
#define SIM_VIPS 2
#define SIM_NOTES 400

struct sim_options {
	usec_t beat, start_wait;
	unsigned misses, servers; /* servers of each of the two services */
	bool serial, no_replica, private_store, store_absent, fence;
	bool device; /* that only the active one mounts */
};
extern const struct sim_options sim_defaults;

struct sim;

struct sim_node {
	struct path_fake_end end; /* first: loop_fake_user() */
	struct sim *sim;
	unsigned side;
	struct conf *conf;
	struct loop *loop;
	struct director director;
	bool runs;
	bool lvs_fails;          /* the kernel refuses everything */
	bool uplink_lost;        /* its switch, whoever runs there */
	struct timer uplink_told; /* the verdict follows */
	unsigned kernel_servers; /* in the configuration now */
	struct lvs_fake kernel;
	struct vip_fake vip;
	struct store_fake store;
	struct fence_fake fence;
	usec_t had;              /* addresses, until then */
	uint64_t starts, takes, moves; /* since sim_mark() */
};

/* How long, since sim_mark(), nobody or two held an address. */
struct sim_watch {
	unsigned holders;
	usec_t since;           /* of the present number */
	usec_t none_max, two_max;
	unsigned lost;          /* how often the last holder went, if only for
				   an instant */
};

struct sim {
	struct fake_clock clock;
	usec_t start;           /* clock at sim_new() */
	struct loop *world;     /* things that nobody's pause holds up */
	struct sim_options opt;
	uint64_t rng;
	struct path_net net;
	struct link_fake link;
	struct store_disk disks[SIM_NODES];
	struct sim_node nodes[SIM_NODES];
	struct sim_watch watch[SIM_VIPS];
	unsigned announcer;     /* who spoke last for the addresses */
	struct table remembered;
	bool has_remembered;
	char *notes[SIM_NOTES]; /* what happened, for whoever looks at a failure */
	unsigned n_notes;
};

struct sim *sim_new(uint64_t seed, const struct sim_options *opt);
void sim_free(struct sim *s);
void sim_run_until(struct sim *s, usec_t t);
void sim_run_for(struct sim *s, usec_t t);
usec_t sim_now(const struct sim *s);
void sim_note(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_print_notes(const struct sim *s);

/* What may happen. n is 0 or 1. Those that do not apply do nothing. */
void sim_start(struct sim *s, unsigned n);
void sim_kill(struct sim *s, unsigned n);    /* power cut */
void sim_crash(struct sim *s, unsigned n);   /* the manager alone, SIGKILL */
void sim_hang(struct sim *s, unsigned n, bool hung);
int sim_switch(struct sim *s, unsigned n);
void sim_leave(struct sim *s, unsigned n);
int sim_maintain(struct sim *s, unsigned n, bool on);
void sim_cut(struct sim *s, int path, int from, bool cut); /* -1: all, both */
void sim_filter(struct sim *s, int from, bool cut); /* beats, not corosync */
void sim_uplink(struct sim *s, unsigned n, bool well);
void sim_cut_links(struct sim *s); /* corosync follows the NIC paths */
int sim_change(struct sim *s, unsigned n, enum change_what what,
    const char *service, const char *server, int64_t value);
int sim_change_random(struct sim *s); /* on the active */
int sim_reload(struct sim *s, unsigned n, unsigned servers, unsigned vips);
void sim_kernel_spoil(struct sim *s, unsigned n); /* entries by hand */
void sim_remember(struct sim *s, unsigned n);
void sim_store_up(struct sim *s, unsigned n); /* checkpointd came back */

/* What is true. */
void sim_mark(struct sim *s); /* measurements begin anew */
bool sim_is(const struct sim *s, unsigned n, enum role r);
bool sim_holds(const struct sim *s, unsigned n); /* every address */
int sim_holder(const struct sim *s); /* the only one; -1: none, -2: both */
int sim_active(const struct sim *s);
bool sim_tables_equal(const struct sim *s);
bool sim_kernel_right(const struct sim *s, unsigned n);
bool sim_in_step(const struct sim *s);
/* Storage has the active one's table and term. */
bool sim_stored(const struct sim *s);
/* A standby that claims the active's epoch and seq has the active's table. */
bool sim_replica_true(const struct sim *s);
/* One active holding alone, one standby in step, kernels right, and the segment
 * knows where the addresses are. NULL, or what is wrong. */
const char *sim_well(const struct sim *s);
void sim_watch_now(struct sim *s); /* counts the present stretch in */

/* sim_conf.c: caller conf_free()s */
struct conf *sim_conf(const struct sim_options *o, unsigned self,
    unsigned servers, unsigned vips);

#endif
