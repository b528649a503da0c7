/*
 * test_fuzz: plays the corpus of each fuzz target again: what once was
 * interesting to the fuzzer, kept in test/fuzz/corpus.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "test/fuzz/fuzz.h"
#include "test/tap.h"

#define INPUT_MAX 65536

/* How many bytes; 0 for what cannot be read too: the caller counts files. */
static size_t
read_input(const char *dir, const char *name, uint8_t *bytes)
{
	char path[512];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f != NULL) {
		n = fread(bytes, 1, INPUT_MAX, f);
		(void)fclose(f);
	}
	return n;
}

static void
play(const struct fuzz_target *t)
{
	static uint8_t bytes[INPUT_MAX];
	char dir[256];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(
	    dir, sizeof(dir), "test/fuzz/corpus/%s", t->name);
	d = opendir(dir);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		t->fn(bytes, read_input(dir, e->d_name, bytes));
		n++;
	}
	if (d != NULL)
		(void)closedir(d);
	t->fn(bytes, 0);
	ok(n > 0, "%s: %u inputs played", t->name, n);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < fuzz_n_targets; i++)
		play(&fuzz_targets[i]);
	return done();
}
