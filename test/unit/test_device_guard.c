/*
 * test_device_guard: what an ext4 superblock and the block of its multi-mount
 * protection say; ours made by hand, and mkfs.ext4's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemons/checkpointd/device_guard.h"
#include "test/tap.h"

static void
put(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (; bytes > 0; bytes--, v >>= 8)
		*p++ = (uint8_t)v;
}

static void
test_superblock(void)
{
	uint8_t mem[SUPERBLOCK_LEN] = { 0 };
	uint64_t at = 7;

	ok(!superblock_mmp(mem, &at), "zeroes are no ext4");
	put(mem + 0x38, 0xef53, 2);
	put(mem + 0x18, 2, 4);
	put(mem + 0x168, 5, 8);
	ok(!superblock_mmp(mem, &at), "ext4 without mmp");
	put(mem + 0x60, 0x2c2, 4);
	ok(!superblock_mmp(mem, &at), "... with other features");
	is_int(at, 7, "then nothing is told");
	put(mem + 0x60, 0x3c2, 4);
	ok(superblock_mmp(mem, &at), "ext4 with mmp");
	is_int(at, 5 * 4096, "its block, in bytes");
	put(mem + 0x168, UINT64_MAX / 2, 8);
	ok(!superblock_mmp(mem, &at), "a block beyond any device");
	put(mem + 0x168, 5, 8);
	put(mem + 0x18, 40, 4);
	ok(!superblock_mmp(mem, &at), "blocks of an impossible size");
}

static void
test_mmp(void)
{
	uint8_t mem[MMP_LEN] = { 0 };
	struct device_view v = { 0 };

	ok(!mmp_read(mem, &v), "zeroes are not mmp's block");
	put(mem, 0x004d4d50, 4);
	put(mem + 4, 0xff4d4d50, 4);
	ok(mmp_read(mem, &v) && v.guard == GUARD_MMP && !v.busy,
	    "unmounted in order");
	put(mem + 4, 0x12345, 4);
	memcpy(mem + 16, "d1\033[2J", 6);
	ok(mmp_read(mem, &v) && v.busy, "mounted");
	is_str(v.holder, "d1?[2J", "by whom, without what a terminal obeys");
	memset(mem + 16, 'x', 64);
	ok(mmp_read(mem, &v) && strlen(v.holder) == 64, "a name without an end");
}

static void
look(const char *path, const char *options, bool want)
{
	uint8_t super[SUPERBLOCK_LEN], mmp[MMP_LEN];
	struct device_view v = { 0 };
	char line[300];
	uint64_t at = 0;
	int fd;

	(void)snprintf(line, sizeof(line),
	    "PATH=$PATH:/sbin:/usr/sbin; truncate -s 8M %s && "
	    "mkfs.ext4 -q -F %s %s",
	    path, options, path);
	is_int(system(line), 0, "mkfs.ext4 %s", options);
	fd = open(path, O_RDONLY);
	ok(fd >= 0 && pread(fd, super, sizeof(super), SUPERBLOCK_AT) ==
			  (ssize_t)sizeof(super),
	    "superblock");
	is_int(superblock_mmp(super, &at), want, "mmp as it was asked for");
	if (want)
		ok(pread(fd, mmp, sizeof(mmp), (off_t)at) ==
			    (ssize_t)sizeof(mmp) &&
			mmp_read(mmp, &v) && !v.busy,
		    "mmp's block, which says unmounted");
	(void)close(fd);
}

static void
test_device(void)
{
	struct device_view v;
	char text[160];

	is_int(device_look("/nonexistent", "ext4", &v, text, sizeof(text)),
	    -ENOENT, "no device");
	is_int(device_look("/dev/null", "ext4", &v, text, sizeof(text)),
	    -ENOTBLK, "a device, but no block device");
	ok(text[0] != '\0', "and a text says so");
}

int
main(void)
{
	char dir[] = "/dev/shm/yoke-test-XXXXXX", path[64];

	test_superblock();
	test_mmp();
	test_device();
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/disk", dir);
	if (system("PATH=$PATH:/sbin:/usr/sbin; command -v mkfs.ext4 "
		   ">/dev/null") == 0) {
		look(path, "-b 1024 -O ^mmp", false);
		look(path, "-b 1024 -O mmp", true);
		look(path, "-b 4096 -O mmp", true);
	}
	(void)unlink(path);
	(void)rmdir(dir);
	return done();
}
