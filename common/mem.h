/*
 * mem: small fixed allocations that cannot sensibly fail. Anything sized or
 * counted by outside input uses calloc/malloc, checks it and refuses.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Zeroed memory for one T; never NULL: aborts (systemd restarts us, the peer
 * takes over meanwhile). Caller frees with free(). */
#define mem_new(T) ((T *)mem_zalloc(sizeof(T)))

static inline void *
mem_zalloc(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		abort();
	return p;
}

#endif
