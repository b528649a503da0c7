/*
 * store_wal: has a write-ahead log lost commits to damage?
 *
 * SQLite reads a log up to the first frame whose checksum fails and takes that
 * for its end, since after a power cut it is; so one flipped bit takes all that
 * follows without a word. We look further: a frame after the bad one that ends
 * a commit of the same run of the log says that there was more. If the bad one
 * is the last there is no telling: a writer that ends in the middle of it
 * leaves the same as a flipped bit in a commit that was acknowledged.
 *
 * Layout (sqlite.org/fileformat2.html, "The Write-Ahead Log"): a header of 32
 * bytes: magic, format, page size, sequence, two salts, two sums over the 24
 * bytes before; then frames: page number, pages after commit or 0, the salts,
 * two sums over the 8 bytes before and the page, going on from the last.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "store/store_db.h"

#define MAGIC 0x377f0682U /* with bit 0: sums are over big-endian words */
#define HEAD 32
#define FRAME_HEAD 24
#define WAL_MAX (256U << 20)

struct sums {
	bool big;
	uint32_t a, b;
};

static uint32_t
word(const uint8_t *p, bool big)
{
	uint32_t v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];

	return big ? v : __builtin_bswap32(v);
}

static void
sum_up(struct sums *s, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		s->a += word(p, s->big) + s->b;
		s->b += word(p + 4, s->big) + s->a;
	}
}

static bool
sums_match(const struct sums *s, const uint8_t *p)
{
	return word(p, true) == s->a && word(p + 4, true) == s->b;
}

/* Is there a commit of the log's own run that comes after a bad frame? Or is
 * the bad one itself of that run? */
static enum wal_end
frames_end(const uint8_t *mem, size_t len, size_t page, struct sums *s)
{
	const uint8_t *salt = mem + 16, *f;
	bool bad = false, ours = false;
	size_t at;

	for (at = HEAD; at + FRAME_HEAD + page <= len; at += FRAME_HEAD + page) {
		f = mem + at;
		if (bad) {
			if (memcmp(f + 8, salt, 8) == 0 && word(f + 4, true))
				return WAL_LOST;
			continue;
		}
		sum_up(s, f, 8);
		sum_up(s, f + FRAME_HEAD, page);
		ours = memcmp(f + 8, salt, 8) == 0;
		bad = !ours || !sums_match(s, f + 16);
	}
	return bad && ours ? WAL_TORN : WAL_WHOLE;
}

static enum wal_end
bytes_end(const uint8_t *mem, size_t len)
{
	struct sums s = { 0 };
	uint32_t magic, page;

	if (len < HEAD)
		return WAL_WHOLE;
	magic = word(mem, true);
	page = word(mem + 8, true);
	s.big = magic & 1;
	sum_up(&s, mem, 24);
	if ((magic & ~1U) != MAGIC || !sums_match(&s, mem + 24) ||
	    page < 512 || page > 65536)
		return WAL_LOST;
	return frames_end(mem, len, page, &s);
}

enum wal_end
wal_look(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *mem = NULL;
	enum wal_end end = WAL_WHOLE;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return WAL_WHOLE;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= WAL_MAX)
		mem = malloc((size_t)st.st_size);
	if (mem != NULL) {
		n = pread(fd, mem, (size_t)st.st_size, 0);
		if (n > 0)
			end = bytes_end(mem, (size_t)n);
	}
	free(mem);
	(void)close(fd);
	return end;
}
