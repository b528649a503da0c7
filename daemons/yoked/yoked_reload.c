/*
 * yoked_reload: reading the configuration again without holding up the beats.
 *
 * Ten thousand servers take 50 ms to read and check, and the disk may take any
 * time. So a thread does it, which touches nothing of yoked: it is given two
 * names and returns a struct conf and the table it describes, or an error. The
 * loop goes on; when the thread is done it applies what it brought, of many
 * changes to the table a few at a time, and then answers whoever asked. The thread is an ordinary one, not
 * real-time (SCHED_RESET_ON_FORK).
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"
#include "ha/table_diff.h"

#define STACK (512U << 10) /* locked memory, like all of yoked's */

struct reload {
	struct yoked *y;
	pthread_t thread;
	int done; /* eventfd: the thread has written rc, fresh, want, err */
	struct watch *watch; /* NULL: the thread has ended and was joined */
	int rc;
	struct conf *fresh;
	struct table want;
	struct conf_err err;
	char text[1024]; /* the answer */
};

static void *
read_it(void *arg)
{
	struct reload *r = arg;
	const uint64_t one = 1;

	r->rc = conf_load(
	    r->y->conf_file, r->y->node_name, 0, &r->fresh, &r->err);
	if (r->rc == 0 && table_from_conf(r->fresh, &r->want) < 0)
		abort(); /* out of memory: systemd starts us again */
	if (write(r->done, &one, sizeof(one)) < 0)
		abort(); /* nobody would ever be answered */
	return NULL;
}

static int
apply(struct yoked *y, struct reload *r)
{
	struct conf *was = y->conf, *fresh = r->fresh;
	const size_t len = sizeof(r->text);
	char *ret_text = r->text;
	size_t changes;
	int rc;

	rc = director_reload(&y->director, fresh, &r->want, &changes);
	if (rc < 0) {
		conf_free(fresh);
		(void)snprintf(ret_text, len, "%s: instance, nodes, paths or "
		    "the key differ: restart yoked for those; the running "
		    "configuration stays", y->conf_file);
		return rc;
	}
	y->conf = fresh;
	yoked_kernel_setup(fresh);
	yoked_net_reload(y);
	guard_reload(y->guard, fresh);
	conf_free(was);
	(void)snprintf(ret_text, len, "reloaded %s: %zu changes%s",
	    y->conf_file, changes, y->director.role == ROLE_STANDBY ?
	    "; services follow the active director" : "");
	return 0;
}

static void
answer(struct yoked *y, int rc, const char *text)
{
	struct client *c;

	for (c = y->clients; c != NULL; c = c->next)
		if (c->reloading) {
			c->reloading = false;
			(void)ipcs_reply(c->conn, rc, text, strlen(text));
		}
}

static void
reload_free(struct reload *r)
{
	watch_free(r->watch);
	if (r->done >= 0)
		close(r->done);
	table_done(&r->want);
	free(r);
}

/* They read the file too: monitord will speak of servers that it finds there,
 * which the table must have by then. */
static void
tell_helpers(struct yoked *y)
{
	(void)helper_send(y, &y->monitor, MSG_RELOAD, "", 0);
	(void)helper_send(y, &y->store, MSG_RELOAD, "", 0);
	(void)helper_send(y, &y->sync, MSG_RELOAD, "", 0);
}

static void
finish(struct reload *r, int rc)
{
	struct yoked *y = r->y;

	if (rc < 0)
		log_err("reload refused, the running configuration stays: %s",
		    r->text);
	else
		log_notice("%s", r->text);
	y->reload = NULL;
	answer(y, rc, r->text);
	/* Behind the answer: four of them read the file on the same CPU. */
	if (rc == 0) {
		yoked_watch(y, "configuration=loaded");
		tell_helpers(y);
	}
	reload_free(r);
}

static void
on_done(int fd, int revents, void *arg)
{
	struct reload *r = arg;
	struct yoked *y = r->y;
	int rc = r->rc;

	(void)fd;
	(void)revents;
	(void)pthread_join(r->thread, NULL); /* it is at its end */
	watch_free(r->watch);
	r->watch = NULL;
	if (rc < 0)
		(void)conf_err_format(&r->err, r->text, sizeof(r->text));
	else
		rc = apply(y, r);
	if (rc < 0 || !director_following(&y->director))
		finish(r, rc);
}

void
yoked_reload_followed(struct yoked *y)
{
	if (y->reload != NULL && y->reload->watch == NULL)
		finish(y->reload, 0);
}

static int
begin_thread(struct reload *r)
{
	pthread_attr_t a;
	int rc;

	rc = pthread_attr_init(&a);
	if (rc != 0)
		return -rc;
	(void)pthread_attr_setstacksize(&a, STACK);
	rc = pthread_create(&r->thread, &a, read_it, r);
	(void)pthread_attr_destroy(&a);
	return -rc;
}

int
yoked_reload(struct yoked *y)
{
	struct reload *r;
	int rc = 0;

	if (y->reload != NULL)
		return -ERR_BUSY;
	r = mem_new(struct reload);
	r->y = y;
	r->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done < 0)
		rc = -errno;
	if (rc == 0)
		rc = watch_new(
		    y->loop, r->done, POLLIN, on_done, r, &r->watch);
	if (rc == 0)
		rc = begin_thread(r);
	if (rc < 0)
		reload_free(r);
	else
		y->reload = r;
	return rc;
}

/* The process ends: what the thread still reads is not waited for. */
void
yoked_reload_stop(struct yoked *y)
{
	if (y->reload != NULL && y->reload->watch != NULL)
		(void)pthread_detach(y->reload->thread);
	else if (y->reload != NULL)
		reload_free(y->reload);
	y->reload = NULL;
}
