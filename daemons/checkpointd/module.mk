PROGS += yoke-checkpointd

CHECKPOINT_SQL := build/gen/checkpoint_sql.h
GENERATED += $(CHECKPOINT_SQL)

# The schema as the body of a C string.
$(CHECKPOINT_SQL): schema/checkpoint.sql
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)sed -e '/^--/d; /^$$/d; s/[\\"]/\\&/g; s/.*/"&\\n"/' $< >$@.tmp
	$(Q)mv $@.tmp $@

STORE_SRC := \
	daemons/checkpointd/store.c \
	daemons/checkpointd/store_copy.c \
	daemons/checkpointd/store_db.c \
	daemons/checkpointd/store_file.c \
	daemons/checkpointd/store_load.c \
	daemons/checkpointd/store_make.c \
	daemons/checkpointd/store_wal.c

yoke-checkpointd_SRC := \
	daemons/checkpointd/ipc.c \
	daemons/checkpointd/keeper.c \
	daemons/checkpointd/main.c \
	$(STORE_SRC)
yoke-checkpointd_PKG := sqlite3 libcrypto
