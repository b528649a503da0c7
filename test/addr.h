/*
 * addr: addresses as tests write them.
 */
#ifndef TEST_ADDR_H
#define TEST_ADDR_H

#include <stdlib.h>

#include "common/addr.h"

/* "192.0.2.1", "2001:db8::1"; no address: the test ends. */
static inline struct addr
addr(const char *text)
{
	struct addr a = { 0 };

	if (addr_parse(text, &a) < 0)
		abort();
	return a;
}

#endif
