/*
 * device_guard: see device_guard.h. Fields as the kernel's documentation has
 * them: filesystems/ext4/super.rst and mmp.rst.
 */
#include "daemons/checkpointd/device_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/err.h"

#define DRBD_MAJOR 147

enum superblock_field {
	SB_LOG_BLOCK_SIZE = 0x18, /* 4 bytes: 1024 << this */
	SB_MAGIC = 0x38,          /* 2 */
	SB_INCOMPAT = 0x60,       /* 4 */
	SB_MMP_BLOCK = 0x168,     /* 8 */
};
#define EXT4_MAGIC 0xef53
#define EXT4_INCOMPAT_MMP 0x100
#define LOG_BLOCK_SIZE_MAX 6

enum mmp_field {
	MMP_MAGIC = 0,     /* 4 */
	MMP_SEQ = 4,       /* 4 */
	MMP_NODENAME = 16, /* 64 */
};
#define MMP_MAGIC_IS 0x004d4d50
#define MMP_SEQ_CLEAN 0xff4d4d50

static uint64_t
little_endian(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

bool
superblock_mmp(const uint8_t mem[SUPERBLOCK_LEN], uint64_t *ret_at)
{
	uint64_t shift = little_endian(mem + SB_LOG_BLOCK_SIZE, 4);
	uint64_t block = little_endian(mem + SB_MMP_BLOCK, 8);

	if (little_endian(mem + SB_MAGIC, 2) != EXT4_MAGIC ||
	    (little_endian(mem + SB_INCOMPAT, 4) & EXT4_INCOMPAT_MMP) == 0 ||
	    shift > LOG_BLOCK_SIZE_MAX || block == 0 || block > INT64_MAX >> 16)
		return false;
	*ret_at = block * (1024U << shift);
	return true;
}

bool
mmp_read(const uint8_t mem[MMP_LEN], struct device_view *ret)
{
	const uint8_t *name = mem + MMP_NODENAME;
	size_t i;

	if (little_endian(mem + MMP_MAGIC, 4) != MMP_MAGIC_IS)
		return false;
	ret->guard = GUARD_MMP;
	ret->busy = little_endian(mem + MMP_SEQ, 4) != MMP_SEQ_CLEAN;
	for (i = 0; i < HOLDER_LEN - 1 && name[i] != '\0'; i++)
		ret->holder[i] = (char)(name[i] > ' ' && name[i] <= '~' ? name[i]
									: '?');
	ret->holder[i] = '\0';
	return true;
}

static int
read_at(int fd, void *mem, size_t len, uint64_t at)
{
	ssize_t n = pread(fd, mem, len, (off_t)at);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Past the cache: the other director writes there too. */
static int
look_ext4(const char *device, struct device_view *ret)
{
	uint8_t super[SUPERBLOCK_LEN], mmp[MMP_LEN];
	int fd = open(device, O_RDONLY | O_CLOEXEC), rc;
	uint64_t at;

	if (fd < 0)
		return -errno;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	rc = read_at(fd, super, sizeof(super), SUPERBLOCK_AT);
	if (rc == 0 && superblock_mmp(super, &at)) {
		rc = read_at(fd, mmp, sizeof(mmp), at);
		if (rc == 0 && !mmp_read(mmp, ret))
			rc = -EIO;
	}
	(void)close(fd);
	return rc;
}

int
device_look(const char *device, const char *filesystem,
    struct device_view *ret, char *text, size_t len)
{
	bool ext4 = strcmp(filesystem, "ext4") == 0;
	struct stat st;
	int rc = 0;

	*ret = (struct device_view){ .guard = GUARD_NONE };
	if (stat(device, &st) < 0)
		rc = -errno;
	else if (!S_ISBLK(st.st_mode))
		rc = -ENOTBLK;
	else if (major(st.st_rdev) == DRBD_MAJOR)
		ret->guard = GUARD_DRBD; /* a secondary cannot be read */
	else if (ext4)
		rc = look_ext4(device, ret);
	if (rc < 0) {
		(void)snprintf(text, len, "%s", err_text(rc));
		return rc;
	}
	if (ret->guard != GUARD_NONE)
		return 0;
	(void)snprintf(text, len, "nothing keeps two from mounting it: %s",
	    ext4 ? "tune2fs -O mmp" : "only ext4's mmp and DRBD do");
	return -EPERM;
}
