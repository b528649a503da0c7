UNIT += test_lvs test_lvs_diff

test_lvs_SRC := \
	test/unit/test_lvs.c \
	test/fake/lvs_fake.c
test_lvs_diff_SRC := \
	test/unit/test_lvs_diff.c \
	test/fake/lvs_fake.c

UNIT += test_ipc
test_ipc_SRC := \
	test/unit/test_ipc.c

# the checkpoint store, without IPC; $(STORE_SRC) is in daemons/checkpointd
UNIT += test_store
test_store_SRC = \
	test/unit/test_store.c \
	test/unit/test_store_help.c \
	$(STORE_SRC)
test_store_PKG := sqlite3 libcrypto

UNIT += test_conf
test_conf_SRC := \
	test/unit/test_conf.c
test_conf_LDLIBS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
