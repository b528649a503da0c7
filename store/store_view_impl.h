/*
 * store_view_impl: shared by store_view.c and store_check.c.
 */
#ifndef STORE_VIEW_IMPL_H
#define STORE_VIEW_IMPL_H

#include <stdio.h>

#include "store/store_db.h"
#include "store/store_view.h"

struct store_view {
	char path[STORE_PATH_LEN];
	struct copy copy;
	bool copied, log_lost;
	sqlite3 *db;
	struct store_meta meta;
	struct store_info info;
};

#endif
