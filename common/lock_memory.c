/*
 * lock_memory: code and data of what is loaded are brought in now, since the
 * first call of a function may come while the disk that has it hangs. Pages of
 * heap and stacks need no disk: they stay once they are touched.
 *
 * A third of what is loaded is not ours to call, or called with each beat and
 * in memory by that. libsystemd has compression and cryptography for journals,
 * and of libcrypto a beat needs one hash of hundreds.
 */
#include "common/lock_memory.h"

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "common/mem.h"

static const char *const as_touched[] = {
	"libcrypto.so",
	"libsystemd.so",
	"libgcrypt.so",
	"libgpg-error.so",
	"liblzma.so",
	"libzstd.so",
	"liblz4.so",
	"libcap.so",
};

static bool
is_whole(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t i;

	name = name != NULL ? name + 1 : path;
	for (i = 0; i < ARRAY_LEN(as_touched); i++)
		if (strncmp(name, as_touched[i], strlen(as_touched[i])) == 0)
			return false;
	return true;
}

/* Of the program, the C library, ... each part that is mapped. */
static int
lock_object(struct dl_phdr_info *o, size_t size, void *arg)
{
	int *rc = arg, i;

	(void)size;
	for (i = 0; i < o->dlpi_phnum && is_whole(o->dlpi_name); i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];

		if (p->p_type == PT_LOAD &&
		    mlock((void *)(o->dlpi_addr + p->p_vaddr), p->p_memsz) < 0)
			*rc = -errno;
	}
	return 0;
}

int
lock_memory(void)
{
	int rc = 0;

	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return -errno;
	(void)dl_iterate_phdr(lock_object, &rc);
	return rc;
}
