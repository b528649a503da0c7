/*
 * fuzz: what is fed with what servers, agents and files may say. A target gets
 * bytes and must return; it aborts when something is not as it should be.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
	const char *name; /* also of the folder in test/fuzz/corpus */
	void (*fn)(const uint8_t *bytes, size_t len);
};

extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_n_targets;

const struct fuzz_target *fuzz_find(const char *name); /* NULL: none */

#endif
