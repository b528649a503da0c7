/*
 * grammar: the rows of schema/commands.def as the parser. A command's words
 * are held against the words of each usage line; there is no other syntax.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/yoke/yoke.h"

static const struct command commands[] = {
#define CMD(fn, usage, help) { usage, help, cmd_##fn },
#include "schema/commands.def"
#undef CMD
};

/* The next word of a usage line that is not an option; its length, 0: none. */
static size_t
next_word(const char **at)
{
	size_t n;

	for (;;) {
		*at += strspn(*at, " ");
		n = strcspn(*at, " ");
		if (strncmp(*at, "[-", 2) != 0)
			return n;
		*at += n;
	}
}

static bool
is_argument(const char *w)
{
	return isupper((unsigned char)w[0]) || w[0] == '[';
}

static bool
same_word(const char *w, size_t len, const char *given)
{
	return strlen(given) == len && strncmp(w, given, len) == 0;
}

/* "[ARG...]": any number of words, options among them. */
static bool
is_rest(const char *w, size_t len)
{
	return len > 4 && strncmp(w + len - 4, "...]", 4) == 0;
}

bool
grammar_match(const char *usage, unsigned n, char **words)
{
	const char *w = usage;
	unsigned i = 0;
	size_t len;

	for (; (len = next_word(&w)) > 0; w += len) {
		if (is_rest(w, len))
			return true;
		if (i == n) {
			if (w[0] != '[')
				return false;
			continue;
		}
		if (!is_argument(w) && !same_word(w, len, words[i]))
			return false;
		i++;
	}
	return i == n;
}

const struct command *
grammar_find(unsigned n, char **words)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(commands); i++)
		if (grammar_match(commands[i].usage, n, words))
			return &commands[i];
	return NULL;
}

bool
grammar_takes_rest(const char *word)
{
	size_t i, len;
	const char *w;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		w = commands[i].usage;
		len = next_word(&w);
		if (same_word(w, len, word)) {
			w += len;
			len = next_word(&w);
			return is_rest(w, len);
		}
	}
	return false;
}

/* How many of the first words are this command's own. */
static unsigned
nearness(const char *usage, unsigned n, char **words)
{
	const char *w = usage;
	unsigned i = 0;
	size_t len;

	for (; i < n && (len = next_word(&w)) > 0; w += len, i++)
		if (is_argument(w) || !same_word(w, len, words[i]))
			break;
	return i;
}

void
grammar_usage(unsigned n, char **words)
{
	unsigned best = 0, near;
	size_t i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		near = nearness(commands[i].usage, n, words);
		best = near > best ? near : best;
	}
	if (best == 0) {
		if (n > 0)
			fprintf(stderr, "yoke: no command \"%s\"\n", words[0]);
		fprintf(stderr, "usage: yoke [-c CONF] [-i INSTANCE] [-n NODE] "
				"COMMAND ...\n"
				"yoke help lists the commands\n");
		return;
	}
	for (i = 0; i < ARRAY_LEN(commands); i++)
		if (nearness(commands[i].usage, n, words) == best)
			fprintf(stderr, "usage: yoke %s\n", commands[i].usage);
}

/* Words in lines of at most 80 columns, each after indent blanks. */
static void
print_folded(const char *text, int indent)
{
	size_t room = 80 - (size_t)indent, n;

	while (*text != '\0') {
		n = strlen(text);
		if (n > room)
			for (n = room; n > 0 && text[n] != ' '; n--)
				;
		if (n == 0)
			n = room;
		printf("%*s%.*s\n", indent, "", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

void
grammar_help(void)
{
	size_t i;

	printf("usage: yoke [-c CONF] [-i INSTANCE] [-n NODE] COMMAND ...\n\n");
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		printf("  %s\n", commands[i].usage);
		print_folded(commands[i].help, 8);
	}
	printf("\n"
	       "  -c CONF      configuration, default /etc/yoke/yoke.conf\n"
	       "  -i INSTANCE  pair to talk to, default the one of CONF\n"
	       "  -n NODE      check CONF as this node, default uname -n\n"
	       "\nyoke(8) and yoke.conf(5) say more.\n");
}
