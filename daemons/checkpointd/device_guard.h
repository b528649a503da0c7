/*
 * device_guard: what keeps two directors from mounting one device at once.
 *
 *   mmp    ext4's multi-mount protection (feature mmp of its superblock): who
 *          mounts waits for twice the other's interval whether it still signs,
 *          and is refused while it does
 *   drbd   a DRBD device is open for writing on its primary only (unless
 *          allow-two-primaries says otherwise)
 *
 * Neither stops a machine that stood still for longer than that and goes on:
 * what its kernel had not written yet, it writes. A fence command does.
 */
#ifndef CHECKPOINTD_DEVICE_GUARD_H
#define CHECKPOINTD_DEVICE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/mounting.h"

#define SUPERBLOCK_AT 1024 /* bytes from the start of the device */
#define SUPERBLOCK_LEN 1024
#define MMP_LEN 80 /* of mmp's own block, as far as we read it */
#define HOLDER_LEN 65

struct device_view {
	enum mount_guard guard;
	bool busy; /* mmp: not unmounted in order: mounted, or its host died */
	char holder[HOLDER_LEN]; /* then: the host's name, printable */
};

/* ext4's superblock. True: it has mmp, and its block is at *ret_at, in bytes. */
bool superblock_mmp(const uint8_t mem[SUPERBLOCK_LEN], uint64_t *ret_at);
/* mmp's block, into guard, busy and holder. False: it is not one. */
bool mmp_read(const uint8_t mem[MMP_LEN], struct device_view *ret);

/* Looks at the device, which may take as long as the device likes. 0; or
 * -errno, -EPERM: nothing guards it. Then text says what to do. */
int device_look(const char *device, const char *filesystem,
    struct device_view *ret, char *text, size_t len);

#endif
