/*
 * store_kind: what a directory is on, and how files are written there.
 *
 * One writer appends to a write-ahead log and syncs once a commit, whatever the
 * size of the table. With locking_mode=EXCLUSIVE the log's index is in the
 * writer's own memory, so that what SQLite says of WAL and network file systems
 * (no shared memory there) does not concern us: others never open the file,
 * they copy database and log, and the frames' sums tell them where it ends.
 *
 * A rollback journal, the usual advice for NFS, would be worse for us there: a
 * commit is the journal's end (removed, cut or zeroed), which another client's
 * caches may show late, and a copy with a journal that is over rolls back what
 * was acknowledged. It also takes two syncs or three for each commit.
 *
 *   local    any file system of this machine's own, and a block device that
 *            only the active director mounts (daemons/checkpointd/mounter.h)
 *   cluster  GFS2, OCFS2: caches are kept coherent by the DLM; a dead node's
 *            locks are on its own file and in nobody's way
 *   nfs      NFS and all where the server is asked as seldom as possible:
 *            attributes and names are cached for up to a minute, so a look at
 *            the storage begins with opening the directory, which asks it
 *
 *   synchronous=FULL    a commit is on the medium when it returns
 *   journal_size_limit  the log shrinks again after a large snapshot
 *   mmap_size=0         an I/O error shall be an error, not a SIGBUS
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/mem.h"
#include "store/store_db.h"

#define PRAGMAS \
	"PRAGMA locking_mode=EXCLUSIVE;" \
	"PRAGMA journal_mode=WAL;" \
	"PRAGMA synchronous=FULL;" \
	"PRAGMA journal_size_limit=8388608;" \
	"PRAGMA mmap_size=0;"

/* not in every linux/magic.h */
#define MAGIC_GFS2 0x01161970
#define MAGIC_OCFS2 0x7461636f
#define MAGIC_FUSE 0x65735546
#define MAGIC_CEPH 0x00c36400
#define MAGIC_CIFS 0xff534d42
#define MAGIC_SMB2 0xfe534d42
#define MAGIC_9P 0x01021997

static const struct kind {
	const char *pragmas;
	bool ask_server;
} kinds[STORAGE__KINDS] = {
	[STORAGE_LOCAL] = { PRAGMAS, false },
	[STORAGE_CLUSTER] = { PRAGMAS, false },
	[STORAGE_NFS] = { PRAGMAS, true },
	[STORAGE_AUTO] = { PRAGMAS, true },
};

static const struct {
	uint32_t magic;
	enum storage kind;
} magics[] = {
	{ NFS_SUPER_MAGIC, STORAGE_NFS },
	{ MAGIC_CIFS, STORAGE_NFS },
	{ MAGIC_SMB2, STORAGE_NFS },
	{ MAGIC_CEPH, STORAGE_NFS },
	{ MAGIC_9P, STORAGE_NFS },
	{ MAGIC_FUSE, STORAGE_NFS }, /* sshfs, glusterfs ... */
	{ MAGIC_GFS2, STORAGE_CLUSTER },
	{ MAGIC_OCFS2, STORAGE_CLUSTER },
};

enum storage
storage_of_magic(uint32_t magic)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(magics); i++)
		if (magics[i].magic == magic)
			return magics[i].kind;
	return STORAGE_LOCAL;
}

enum storage
storage_look(const char *dir)
{
	struct statfs st;

	if (statfs(dir, &st) < 0)
		return STORAGE_AUTO;
	return storage_of_magic((uint32_t)st.f_type);
}

const char *
storage_pragmas(enum storage kind)
{
	return kinds[kind].pragmas;
}

void
storage_refresh(enum storage kind, const char *dir)
{
	int fd;

	if (!kinds[kind].ask_server)
		return;
	/* The directory, not the file: closing any descriptor of that would
	 * drop SQLite's lock on it. */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
}
