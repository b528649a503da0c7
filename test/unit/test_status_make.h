/*
 * test_status_make: a yoked as far as its status needs one, without any of
 * what it does.
 */
#ifndef TEST_STATUS_MAKE_H
#define TEST_STATUS_MAKE_H

#include "daemons/yoked/yoked.h"

struct fixture {
	struct yoked y;
	struct conf conf;
	struct conf_path own[2], peers[2];
	struct conf_vip vips[1];
	struct path path;
	struct uplink_dev device;
	struct vip_seat seat;
	struct vip_dup_seen dup;
	int conn; /* stands for a connection */
};

/* An active director where all is well. Caller fixture_free()s. */
struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);

/* Its configuration alone. */
void fixture_conf(struct fixture *f);

struct addr fixture_addr(const char *text);
void fixture_server(
    struct table *t, const char *service, const char *name, struct addr a);
/* A weight of a server of web by itself: CHANGE_POLICY or CHANGE_OVERRIDE. */
void fixture_weight(struct table *t, enum change_what what, const char *server,
    int64_t value, const char *cause);

#endif
