TESTPROGS += test_lvs_kernel test_lvs_traffic

test_lvs_kernel_SRC := test/rack/test_lvs_kernel.c
test_lvs_traffic_SRC := test/rack/test_lvs_traffic.c

TESTPROGS += connload
connload_SRC := test/rack/connload.c

# yoked that speaks protocol version 0: the same but for that number
TESTPROGS += yoked-old
GENERATED_OLD := build/gen/beat_old.c
$(GENERATED_OLD): ha/beat.c
	@mkdir -p $(@D)
	$(Q)sed 's/^#define BEAT_VERSION .*/#define BEAT_VERSION 0/' $< >$@
	$(Q)! cmp -s $< $@
yoked-old_SRC := $(yoked_SRC) $(GENERATED_OLD)
yoked-old_PKG := $(yoked_PKG)

# P2's experiment: a server that loops
TESTPROGS += loopserver
loopserver_SRC := test/rack/loopserver.c
loopserver_DEPS :=

# P3's experiments: a server whose requests take memory, and its clients
TESTPROGS += memserver memload
memserver_SRC := test/rack/memserver.c
memserver_DEPS :=
memload_SRC := test/rack/memload.c
memload_DEPS :=
