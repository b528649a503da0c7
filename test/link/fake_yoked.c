/*
 * fake_yoked INSTANCE: the serving end of yoke-linkd for tests. What linkd
 * says is printed, a line each; lines on standard input tell what to do:
 * "send TEXT", "flood N BYTES", "leave", "quit".
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/ipcs.h"
#include "ha/link_msg.h"

struct fake {
	struct loop *loop;
	struct ipcs *ipcs;
	struct ipcs_conn *linkd;
	struct timer more;
	uint32_t next, end, size; /* of a flood being sent */
	uint32_t expect, seen;	  /* of one being received */
};

static void
print_members(const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	struct link_members_msg m;
	unsigned i;

	if (link_members_unpack(&b, &m) < 0) {
		printf("garbage\n");
		return;
	}
	printf("members connected=%d own=%u members=", m.connected, m.own);
	for (i = 0; i < m.n_members; i++)
		printf("%s%u", i > 0 ? "," : "", m.members[i]);
	printf(" left=");
	for (i = 0; i < m.n_left; i++)
		printf("%s%u:%s", i > 0 ? "," : "", m.left[i].node,
		    link_reason_name(m.left[i].reason));
	printf("\n");
}

static void
print_recv(struct fake *f, const uint8_t *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	uint32_t node = get_u32(&b), n;

	if (buf_left(&b) < 5 || body[4] != 0) {
		printf("recv node=%u text=%.*s\n", node, (int)len - 4,
		    (const char *)body + 4);
		return;
	}
	(void)get_u8(&b);
	n = get_u32(&b);
	if (n == 0)
		f->expect = f->seen = 0;
	if (n != f->expect)
		printf("gap expected=%u got=%u\n", f->expect, n);
	f->expect = n + 1;
	f->seen++;
	if (f->seen % 1000 == 0 || f->seen == 300)
		printf("seen=%u bytes=%zu\n", f->seen, len - 4);
}

static void
on_msg(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len,
    void *arg)
{
	struct fake *f = arg;

	if (id == MSG_HELLO) {
		f->linkd = c;
		printf("hello\n");
	} else if (id == MSG_LINK_MEMBERS) {
		print_members(body, len);
	} else if (id == MSG_LINK_RECV) {
		print_recv(f, body, len);
	}
}

static void
on_closed(struct ipcs_conn *c, void *arg)
{
	struct fake *f = arg;

	if (f->linkd == c)
		f->linkd = NULL;
	printf("bye\n");
}

/* Numbered messages: u8 0, u32 number, filling. */
static void
on_more(void *arg)
{
	static uint8_t mem[LINK_DATA_MAX];
	struct fake *f = arg;
	struct buf b;
	int rc;

	while (f->linkd != NULL && f->next < f->end) {
		b = buf_writer(mem, sizeof(mem));
		put_u8(&b, 0);
		put_u32(&b, f->next);
		rc = ipcs_event(f->linkd, MSG_LINK_SEND, mem, f->size);
		if (rc == -EAGAIN) {
			timer_in(&f->more, USEC_MS);
			return;
		}
		f->next++;
	}
	printf("sent=%u\n", f->next);
}

static void
on_line(struct fake *f, const char *line)
{
	int rc = 0;

	if (strncmp(line, "send ", 5) == 0 && f->linkd != NULL)
		rc = ipcs_event(
		    f->linkd, MSG_LINK_SEND, line + 5, strlen(line + 5));
	else if (sscanf(line, "flood %u %u", &f->end, &f->size) == 2) {
		f->next = 0;
		on_more(f);
	} else if (strcmp(line, "leave") == 0 && f->linkd != NULL)
		rc = ipcs_event(f->linkd, MSG_LINK_LEAVE, NULL, 0);
	else if (strcmp(line, "quit") == 0)
		loop_stop(f->loop);
	if (rc < 0)
		printf("error=%s\n", err_text(rc));
}

static void
on_stdin(int fd, int revents, void *arg)
{
	char text[4096], *line, *save = NULL;
	struct fake *f = arg;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	(void)revents;
	if (n <= 0) {
		loop_stop(f->loop);
		return;
	}
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		on_line(f, line);
}

int
main(int argc, char **argv)
{
	static const struct ipcs_ops ops = { on_msg, on_closed };
	struct fake f = { 0 };
	struct watch *w = NULL;
	int rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || loop_new(&f.loop) < 0)
		return 2;
	timer_init(&f.more, f.loop, on_more, &f);
	rc = ipcs_new(f.loop, argv[1], (gid_t)-1, &ops, &f, &f.ipcs);
	if (rc == 0)
		rc = watch_new(f.loop, 0, POLLIN, on_stdin, &f, &w);
	if (rc < 0) {
		printf("error=%s\n", err_text(rc));
		return 1;
	}
	printf("ready\n");
	loop_run(f.loop);
	timer_stop(&f.more);
	watch_free(w);
	ipcs_free(f.ipcs);
	loop_free(f.loop);
	return 0;
}
