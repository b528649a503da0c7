/*
 * fuzz_main: libFuzzer's entry: YOKE_FUZZ names the target. See `make fuzz`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct fuzz_target *t;

	if (t == NULL) {
		const char *name = getenv("YOKE_FUZZ");

		t = name != NULL ? fuzz_find(name) : NULL;
		if (t == NULL) {
			fprintf(stderr, "YOKE_FUZZ names no target\n");
			exit(2);
		}
	}
	t->fn(bytes, len);
	return 0;
}
