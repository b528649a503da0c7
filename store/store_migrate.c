/*
 * store_migrate: makes a file of an earlier version one of ours. The writer's
 * own file in place, when a new version of yoke goes on with it; all others in
 * the private copy that is read. An earlier yoke refuses a later file and uses
 * the replica instead.
 */
#include <stdio.h>

#include "common/mem.h"
#include "store/store_db.h"

/* What version `from` lacks of the next one; as in schema/checkpoint.sql. */
static const struct migration {
	int from;
	const char *sql;
} migrations[] = {
	{ 1, "CREATE TABLE roles (\n"
	     "\tepoch INTEGER NOT NULL,\n"
	     "\tat_us INTEGER NOT NULL,\n"
	     "\tnode INTEGER NOT NULL,\n"
	     "\twas TEXT NOT NULL,\n"
	     "\trole TEXT NOT NULL,\n"
	     "\tevent TEXT NOT NULL,\n"
	     "\twhy TEXT NOT NULL,\n"
	     "\tsilence_us INTEGER NOT NULL,\n"
	     "\tsum BLOB NOT NULL,\n"
	     "\tbody BLOB NOT NULL,\n"
	     "\tPRIMARY KEY (epoch, at_us, node, role)\n"
	     ") STRICT, WITHOUT ROWID;\n" },
};

static int
step(sqlite3 *db, const struct migration *m)
{
	char version[48];
	int src = db_exec(db, "BEGIN IMMEDIATE");

	(void)snprintf(version, sizeof(version), "PRAGMA user_version = %d",
	    m->from + 1);
	if (src == SQLITE_OK)
		src = db_exec(db, m->sql);
	if (src == SQLITE_OK)
		src = db_exec(db, version);
	if (src == SQLITE_OK)
		src = db_exec(db, "COMMIT");
	if (src != SQLITE_OK)
		(void)db_exec(db, "ROLLBACK");
	return src;
}

int
db_migrate(sqlite3 *db)
{
	int64_t version;
	size_t i;
	int src = db_number(db, "PRAGMA user_version", &version);

	if (src != SQLITE_ROW)
		return src;
	src = SQLITE_OK;
	for (i = 0; src == SQLITE_OK && i < ARRAY_LEN(migrations); i++)
		if (migrations[i].from >= version)
			src = step(db, &migrations[i]);
	return src;
}
