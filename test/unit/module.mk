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
