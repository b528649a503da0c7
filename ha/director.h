/*
 * director: one director of the pair: its role, its table, its peer, and what
 * it does about them. Everything outside is a port, so two directors run in
 * one test process on a fake clock (test/sim).
 *
 * Nothing in it blocks or logs; what is worth saying goes to the listener.
 */
#ifndef HA_DIRECTOR_H
#define HA_DIRECTOR_H

#include "common/conf.h"
#include "ha/beats.h"
#include "ha/decide.h"
#include "ha/fence.h"
#include "ha/follow.h"
#include "ha/ipvs.h"
#include "ha/link.h"
#include "ha/link_report.h"
#include "ha/role.h"
#include "ha/store.h"
#include "ha/table.h"
#include "ha/transition.h"
#include "ha/vip.h"
#include "ha/wire.h"

enum note { NOTE_ERR, NOTE_WARNING, NOTE_NOTICE, NOTE_INFO };

/* What reaches the outside: see ha/uplink.h. */
struct outside_ops {
	bool (*fine)(void *ctx);
	bool (*sure)(void *ctx, usec_t since);
};

struct director_ports {
	path_open_fn path_open;
	const struct lvs_ops *lvs;
	const struct vip_ops *vip;
	const struct link_ops *link;
	const struct store_ops *store;
	const struct fence_ops *fence; /* NULL: there is none */
	const struct outside_ops *outside; /* NULL: not watched */
	void *lvs_ctx, *vip_ctx, *link_ctx, *store_ctx, *fence_ctx;
	void *outside_ctx;
};

struct director_listener {
	void (*on_change)(const struct change *c, void *arg);
	void (*on_table)(void *arg); /* replaced as a whole */
	void (*on_role)(const struct transition *t, void *arg);
	void (*on_path)(unsigned index, bool up, void *arg);
	void (*on_note)(enum note level, const char *text, void *arg);
	void (*on_left)(void *arg); /* director_leave() is done */
	/* These may be NULL. */
	void (*on_tick)(void *arg); /* each Tb, and after a change of role */
	void (*on_followed)(void *arg); /* director_following() no more */
};

/* The standby's copy of the active's table. */
struct replica {
	bool valid;            /* a snapshot, and no gap since */
	struct chunks chunks;  /* a snapshot under way */
	usec_t asked;          /* for a snapshot, last */
	usec_t behind_since;   /* 0: in step */
	uint64_t snapshots, changes, gaps;
};

struct director {
	struct loop *loop;
	struct conf *conf;     /* borrowed; replaced by director_reload() */
	struct director_ports ports;
	const struct director_listener *listener;
	void *arg;

	enum role role;
	usec_t role_since;
	struct decision decision; /* the last one */
	struct transitions log;
	uint64_t epoch_seen;      /* highest anyone spoke of */

	struct table table;
	struct ipvs ipvs;
	struct beats beats;
	struct replica replica;
	struct link_members members;
	struct link_report link_report;
	struct fence fence;
	struct follow follow;
	struct restored restored; /* where the table came from */

	bool loaded, waited, answered, leaving, holding;
	bool uplink;              /* reaches the outside; see director_on_uplink() */
	usec_t uplink_back;       /* since then it does again; 0: ever did */
	bool maintain;            /* the operator's wish, while it stands */
	usec_t hurt_since;        /* cannot serve or reach anybody; 0: well */
	usec_t refused_at;        /* the standby refused to take over; 0: never */
	bool rereading;           /* see ask_again() in director.c */
	bool listened;            /* the last lease was late, and we looked */
	bool touched;             /* by others: announce after the next lease */
	bool peer_held;           /* it has the VIPs, or may have had them */
	int vip_rc;               /* of the last hold or announce */
	bool conns_full;          /* standby: it was sent all connections */
	uint64_t load_token;      /* of the load under way; 0: none */
	uint64_t load_count;      /* loads ever: the next token */
	bool store_opened;        /* this term's file was begun */
	enum role began_as;       /* the role before this term */
	uint64_t pre_epoch, pre_seq; /* of the table before this term */
	struct change *early;     /* made while storage was being asked */
	size_t n_early, cap_early;
	bool early_lost;          /* too many: then nothing is rolled back */
	usec_t load_at;
	unsigned announced;       /* how often in this term */
	struct timer start_wait, load_wait, renew, announce, ask, left, linger;
	bool lingered; /* the handover may end: see takeover.c */
};

/* Starts as ROLE_STARTING. 0 or -errno. All borrowed until director_stop(). */
int director_start(struct director *d, struct loop *l, struct conf *conf,
    const struct director_ports *ports,
    const struct director_listener *listener, void *arg);
void director_stop(struct director *d); /* lets go of everything, at once */

/* Stops on purpose: hands over first where it can; on_left() follows. */
void director_leave(struct director *d);

/* A change of the table by the active director. 0; -ERR_NOT_ACTIVE;
 * -ERR_BUSY while handing over; -ERR_NO_SERVICE, -ERR_NO_SERVER. Fills epoch,
 * seq, when of *c. */
int director_change(struct director *d, struct change *c);

/* 0; -ERR_NOT_ACTIVE; -ERR_NO_PEER; -ERR_BUSY. The outcome is a transition. */
int director_switch(struct director *d);

/* Takes this director out of service, or puts it back. An active one hands over
 * first. 0; -ERR_NO_PEER: nobody else can serve, nothing was done; -ERR_BUSY. */
int director_maintain(struct director *d, bool on);

/* Applies a new configuration (borrowed); definitions move as changes when
 * active: to want, which is table_from_conf(fresh), borrowed for the call.
 * -EINVAL: nodes, paths, key or instance differ; nothing is done. *ret_changes:
 * how many changes it makes; if many, some later: while director_following(). */
int director_reload(struct director *d, struct conf *fresh,
    const struct table *want, size_t *ret_changes);
bool director_following(const struct director *d);

/* From the ports. */
void director_on_members(struct director *d, const struct link_members *m);
void director_on_message(
    struct director *d, enum msg_id id, const void *body, size_t len);
void director_on_found(struct director *d, const struct store_found *f,
    const void *bytes, size_t len);
int director_on_health(struct director *d, const struct health_msg *m);
/* What a policy decided; 0 also when it is so already. */
int director_on_weight(struct director *d, const struct weight_msg *m);
void director_on_fence(struct director *d, int rc, const char *text);
void director_on_store(struct director *d); /* checkpointd came (back) */
/* Whether the uplink is well, as ha/uplink.h judges; well until first said. */
void director_on_uplink(struct director *d, bool well);
void director_on_witness(struct director *d); /* one answered */
/* Whether the peer's machine answers for the VIPs; no until first said. */
void director_on_answered(struct director *d, bool answered);
/* Somebody touched the VIPs: renews and announces them at once. False: not now,
 * we do not hold them, or are looking whether they are still ours. */
bool director_on_vips_touched(struct director *d);
void director_defend(struct director *d); /* says once more whose they are */

/* Is the standby's table the active's, as far as the last beat says? */
bool director_in_step(const struct director *d);
/* The peer's last word: its beat, or its report over corosync. */
const struct beat *director_peer(const struct director *d);
void director_view(const struct director *d, struct view *ret);

#endif
