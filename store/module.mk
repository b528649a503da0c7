# the table in files: linked by yoke-checkpointd, yoke and tests; needs
# STORE_PKG and libha behind it

CHECKPOINT_SQL := build/gen/checkpoint_sql.h
GENERATED += $(CHECKPOINT_SQL)

# The schema as the body of a C string.
$(CHECKPOINT_SQL): schema/checkpoint.sql
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)sed -e '/^--/d; /^$$/d; s/[\\"]/\\&/g; s/.*/"&\\n"/' $< >$@.tmp
	$(Q)mv $@.tmp $@

STORE_PKG := sqlite3 libcrypto
STORE_SRC := \
	store/store.c \
	store/store_check.c \
	store/store_copy.c \
	store/store_db.c \
	store/store_file.c \
	store/store_kind.c \
	store/store_load.c \
	store/store_make.c \
	store/store_migrate.c \
	store/store_roles.c \
	store/store_view.c \
	store/store_wal.c
