/*
 * checkpoint_where: the directory, its files, and the one that is meant; and
 * what those who show them share. Works without any daemon.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/conf.h"
#include "common/err.h"
#include "daemons/yoke/checkpoint.h"

/* A --dir does without a configuration. */
static int
take_conf(struct cli *c, struct where *w)
{
	struct conf_err e = { 0 };
	struct conf *conf;
	char text[1024];

	if (conf_load(c->conf_file, c->node,
		CONF_NO_KEY | CONF_NO_SERVICES, &conf, &e) < 0) {
		if (c->dir != NULL)
			return YOKE_OK;
		fprintf(stderr, "yoke: %s (or say --dir=DIR)\n",
		    conf_err_format(&e, text, sizeof(text)));
		return YOKE_USAGE;
	}
	memcpy(w->dir, conf->checkpoint_dir, sizeof(w->dir));
	memcpy(w->instance, conf->instance, sizeof(w->instance));
	w->node = conf->self->id;
	conf_free(conf);
	return YOKE_OK;
}

int
where_are(struct cli *c, struct where *ret)
{
	struct where w = { .instance = "main" };
	int rc = take_conf(c, &w);

	if (rc != YOKE_OK)
		return rc;
	if (c->dir != NULL && snprintf(w.dir, sizeof(w.dir), "%s", c->dir) >=
				  (int)sizeof(w.dir) - 1) {
		fprintf(stderr, "yoke: --dir: too long\n");
		return YOKE_USAGE;
	}
	if (c->instance[0] != '\0')
		memcpy(w.instance, c->instance, sizeof(w.instance));
	rc = store_list(w.dir, w.instance, &w.files, &w.n);
	if (rc < 0) {
		fprintf(stderr, "yoke: %s: %s\n", w.dir, err_text(rc));
		return rc == -EACCES ? YOKE_NO_PERMISSION : YOKE_REFUSED;
	}
	*ret = w;
	return YOKE_OK;
}

void
where_done(struct where *w)
{
	free(w->files);
	w->files = NULL;
}

static int
by_epoch(const struct where *w, const char *text, char *path, size_t len)
{
	uint64_t epoch = strtoull(text, NULL, 10);
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->files[i].epoch != epoch)
			continue;
		(void)snprintf(path, len, "%s", w->files[i].path);
		return YOKE_OK;
	}
	fprintf(stderr, "yoke: %s: instance %s has no epoch %s\n", w->dir,
	    w->instance, text);
	return YOKE_REFUSED;
}

static bool
is_number(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

int
where_file(struct cli *c, const char *text, char *path, size_t len)
{
	struct where w;
	int rc;

	if (text != NULL && !is_number(text)) {
		if (snprintf(path, len, "%s", text) < (int)len)
			return YOKE_OK;
		fprintf(stderr, "yoke: %.40s...: too long\n", text);
		return YOKE_USAGE;
	}
	rc = where_are(c, &w);
	if (rc != YOKE_OK)
		return rc;
	if (text != NULL) {
		rc = by_epoch(&w, text, path, len);
	} else if (w.n > 0) {
		(void)snprintf(path, len, "%s", w.files[0].path);
	} else {
		fprintf(stderr, "yoke: %s: no checkpoint of instance %s\n",
		    w.dir, w.instance);
		rc = YOKE_REFUSED;
	}
	where_done(&w);
	return rc;
}

int
view_open(const char *path, struct store_view **ret)
{
	struct store_err e = { 0 };
	int rc = store_view_new(path, NULL, ret, &e);

	if (rc == 0)
		return YOKE_OK;
	fprintf(stderr, "yoke: %s: %s\n", path,
	    rc == -ERR_CORRUPT ? "no checkpoint of yoke, or damaged so much "
				 "that it cannot be told"
			       : err_text(rc));
	return rc == -EACCES ? YOKE_NO_PERMISSION : YOKE_REFUSED;
}

bool
is_live(const struct store_info *i, usec_t now)
{
	return i->open && i->alive + LIVE_FOR > now;
}

const char *
when(usec_t at, char buf[WHEN_LEN])
{
	time_t s = (time_t)(at / USEC_S);
	struct tm tm;

	if (at == 0 || localtime_r(&s, &tm) == NULL ||
	    strftime(buf, WHEN_LEN, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(buf, "-");
	return buf;
}

void
print_doc(struct out *o)
{
	size_t len;
	char *text = out_take(o, &len);

	if (text != NULL)
		printf("%s\n", text);
	free(text);
}
