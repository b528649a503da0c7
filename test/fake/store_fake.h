/*
 * store_fake: checkpointd and its storage in memory. A disk (struct
 * store_disk) outlives the nodes; both may share one. A file belongs to one
 * epoch and one writer; changes are on it `commit` after they were made. A
 * manager's death leaves its checkpointd running; a power cut loses what was
 * not committed.
 */
#ifndef TEST_FAKE_STORE_FAKE_H
#define TEST_FAKE_STORE_FAKE_H

#include "ha/store.h"
#include "test/fake/loop_fake.h"

struct store_file;
struct store_pending;

struct store_disk {
	struct store_file *files; /* highest epoch first */
	bool corrupt;             /* the newest file fails its checks */
};

struct store_fake {
	struct store_disk *disk;
	struct loop *world;
	uint32_t node;
	bool absent;    /* no checkpointd: load says -ENOTCONN, writes vanish */
	bool silent;    /* it hangs: no answer, no commits */
	int fail_rc;    /* found says this; writes vanish */
	usec_t commit, answer; /* delays */
	uint64_t epoch; /* of the file being written; 0: none */
	bool foreign;   /* ... which is another writer's: nothing is written */
	struct store_pending *pending;
	struct timer commit_at, answer_at;
	/* the answer under way */
	struct loop *loop;
	struct store_found found;
	uint8_t *bytes;
	void (*on_found)(const struct store_found *f, const void *bytes,
	    size_t len, void *arg);
	void *arg;
	uint64_t loads, opens, changes, refused;
};

extern const struct store_ops store_fake_ops; /* ctx: struct store_fake * */

void store_fake_init(struct store_fake *s, struct store_disk *disk,
    struct loop *world, uint32_t node);
void store_fake_attach(struct store_fake *s, struct loop *l,
    void (*on_found)(const struct store_found *f, const void *bytes,
	size_t len, void *arg),
    void *arg);
/* The manager is gone; power: so is the machine. */
void store_fake_detach(struct store_fake *s, bool power);
void store_disk_done(struct store_disk *d);

/* The table as it would be found now; NULL: no file. Borrowed. */
const struct table *store_disk_newest(const struct store_disk *d);

#endif
