# what bench_checkpoint.py drives: the store alone, and yoked and checkpointd
# themselves with probes in them
TESTPROGS += bench_store bench_yoked bench_checkpointd

bench_store_SRC = \
	test/bench/bench_store.c \
	test/unit/test_store_help.c \
	$(STORE_SRC)
bench_store_PKG = $(STORE_PKG)

bench_yoked_SRC = \
	test/bench/bench_yoked.c \
	test/fake/lvs_fake.c \
	$(yoked_SRC)
bench_yoked_LDLIBS := -Wl,--wrap=director_change,--wrap=helper_send \
	-Wl,--wrap=beats_send

bench_checkpointd_SRC = \
	test/bench/bench_stall.c \
	$(yoke-checkpointd_SRC)
bench_checkpointd_PKG = $(STORE_PKG)
bench_checkpointd_LDLIBS := -lm

# monitord's engine alone, for bench_probes.py
TESTPROGS += bench_monitor
bench_monitor_SRC = \
	test/bench/bench_monitor.c \
	$(MONITOR_SRC)
bench_monitor_PKG = $(MONITOR_PKG)
bench_monitor_LDLIBS := -lm
TESTPROGS += bench_ipvs
bench_ipvs_SRC := test/bench/bench_ipvs.c
