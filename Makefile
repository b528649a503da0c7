# yoke: one non-recursive Makefile. Every folder's module.mk names its sources.
#
#   make                 build everything into build/bin
#   make check           install packages (as root), build, run every test
#   make check-unit      unit and scenario tests only; no root needed
#   make check-rack      tests on the rack of virtual machines; root needed
#   make check-long      rack tests that take minutes; root needed
#   make check-promtool  what Prometheus' promtool says of the metrics
#   make check-tools     tests that judge times; root and a quiet machine
#   make demo            raise a rack, cut the active director's power, report
#   make drills          every drill on the rack, TIMES=10 each; root needed
#   make soak            drills at random under load, LENGTH=30m; root needed
#   make bench-failover  every fault, yoke and keepalived in one run, RUNS=10
#   make bench-resync    a standby joins an active with 100 000 connections
#   make check-faults    storage fails at every call: each one, minutes
#   make fuzz            libFuzzer on what servers and agents say, FOR=600 each
#   make bench-checkpoint changes, snapshots, rollback, stalled storage; no rack
#   make bench-probes    10 000 tcp and 5000 http probes/s, beside keepalived; root
#   make bench-weights   weights that follow the servers, beside the papers'
#                        experiments (PARTS="table3 memory ill": some of them)
#   make bench-rtnl      beats beside others' changes of the network
#   make bench-early     power cuts under young connections, by scheduler
#   make lint tidy       cppcheck and clang-tidy; and sizes
#   make fmt layers install
#   make deb rpm         packages, into build/packages; walk tries them
#
# V=1 shows commands, W=1 makes warnings errors, SAN=address,undefined builds
# with sanitizers (into a folder of its own), CC=clang uses the other compiler.

VERSION := $(shell cat VERSION)
V ?= 0
W ?= 0
SAN ?=
DESTDIR ?=
prefix ?= /usr
sysconfdir ?= /etc
localstatedir ?= /var
sbindir ?= $(prefix)/sbin
mandir ?= $(prefix)/share/man
datadir ?= $(prefix)/share/yoke
unitdir ?= $(prefix)/lib/systemd/system

comma := ,
FLAVOUR := $(if $(filter clang%,$(CC)),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COV),-cov)
OBJ := build/obj$(FLAVOUR)
BIN := build/bin$(FLAVOUR)

CFLAGS ?= -O2 -g
YOKE_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DYOKE_VERSION='"$(VERSION)"' -I. \
	-DYOKE_DATADIR='"$(datadir)"' \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef \
	-Wredundant-decls -Wold-style-definition -Wimplicit-fallthrough \
	-fno-strict-aliasing -fstack-protector-strong -MMD -MP \
	$(if $(filter 1,$(W)),-Werror) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	-fno-sanitize-recover=all,-D_FORTIFY_SOURCE=2) \
	$(if $(COV),--coverage)
YOKE_LDFLAGS = -Wl,-z,relro -Wl,-z,now $(if $(SAN),-fsanitize=$(SAN)) \
	$(if $(COV),--coverage)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-6s %s\n')

COMMON_SRC :=
HA_SRC :=
PROGS :=
TESTPROGS :=
UNIT :=
GENERATED :=

.PHONY: all
all: programs

include $(sort $(wildcard */module.mk daemons/*/module.mk test/*/module.mk))

# A program NAME says NAME_SRC (one source per line), NAME_PKG (pkg-config
# names) and, where they differ, NAME_DEPS (archives; default ha and common).
ALLPROGS := $(PROGS) $(TESTPROGS) $(UNIT)
LIB_PKG := libqb libcpg libnl-3.0 libnl-genl-3.0 libnl-route-3.0 libconfuse \
	libcrypto libsystemd jansson
ALL_PKG = $(sort $(LIB_PKG) $(foreach p,$(ALLPROGS),$($(p)_PKG)))
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(ALL_PKG)))$(PKG_CFLAGS)

obj = $(patsubst %.c,$(OBJ)/%.o,$(1))

$(OBJ)/%.o: %.c | $(GENERATED)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(YOKE_CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

# who says the version is made anew when it is another
$(call obj,$(shell grep -lr --include='*.c' YOKE_VERSION common ha daemons \
	store watch test)): VERSION

$(OBJ)/libcommon.a: $(call obj,$(COMMON_SRC))
$(OBJ)/libha.a: $(call obj,$(HA_SRC))
$(OBJ)/%.a:
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define prog_rule
$(BIN)/$(1): $(call obj,$($(1)_SRC)) $(if $(filter undefined,$(origin $(1)_DEPS)),$(OBJ)/libha.a $(OBJ)/libcommon.a,$($(1)_DEPS))
	$$(say) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(YOKE_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ \
		$$$$(pkg-config --libs $$(if $$(filter undefined,$$(origin $(1)_DEPS)),$(LIB_PKG)) $$($(1)_PKG)) $$($(1)_LDLIBS)
endef
$(foreach p,$(ALLPROGS),$(eval $(call prog_rule,$(p))))

.PHONY: programs testprograms clean
programs: $(addprefix $(BIN)/,$(PROGS))
testprograms: $(addprefix $(BIN)/,$(TESTPROGS) $(UNIT))
clean:
	rm -rf build

-include $(wildcard $(OBJ)/*/*.d $(OBJ)/*/*/*.d)

# ---- tests ----
# Too long for check: real sshd in the directors, PPP over the serial line, a
# cluster file system that waits for a dead node's locks, policies that settle.
RACK_LONG := test/rack/test_cluster_fs.py test/rack/test_drills_ssh.py \
	test/rack/test_ppp.py test/rack/test_sync_kinds.py test/rack/test_watch.py \
	test/rack/test_weights.py
RACK_LONG += test/rack/test_removal.py test/rack/test_vip_path.py
RACK_TESTS := $(filter-out $(RACK_LONG),$(wildcard test/rack/test_*.py))
# ... and storage: NFS, a device that both directors reach, faults of all kinds
# (of those test_checkpoint.py and the stores' unit tests stay).
RACK_LONG += test/rack/test_device.py test/rack/test_nfs.py \
	test/rack/test_storage.py
RACK_TESTS := $(filter-out $(RACK_LONG),$(RACK_TESTS))
UNIT_BIN = $(addprefix $(BIN)/,$(UNIT))
WATCH_BIN = $(addprefix $(BIN)/,$(WATCH_UNIT))
PROVE := PERL5LIB=test prove --timer --merge --harness Told
ROOT := $(filter 0,$(shell id -u))
PYTHON := /usr/bin/python3
export PYTHONDONTWRITEBYTECODE = 1

.PHONY: deps check check-unit check-rack check-clang check-san check-all
deps:
	$(Q)test/rack/deps.sh || [ -z "$(ROOT)" ]

# Packages first: what follows asks pkg-config while it is read.
check: deps
	$(Q)+$(MAKE) --no-print-directory -j2 --output-sync=target W=1 programs testprograms
	$(Q)+$(MAKE) --no-print-directory check-all W=1

# Unit tests and those of what is installed wait more than they compute: clang
# builds meanwhile.
check-all: layers programs testprograms
	$(Q)+$(MAKE) --no-print-directory -j3 --output-sync=target \
		check-unit check-clang check-files
	$(Q)+$(MAKE) --no-print-directory check-san
	$(Q)+$(MAKE) --no-print-directory check-rack

# Those of watch/ mostly wait for real daemons: beside the others. snmpd itself
# takes 40 s of waiting, once is enough.
check-unit: programs $(UNIT_BIN)
	@echo "== unit and scenario tests$(FLAVOUR)"
	$(Q)+test/clean.sh $(MAKE) --no-print-directory -j2 --output-sync=target \
		unit-main unit-watch

# Those that take longest first, so that none of them is left alone at the end.
LONGEST := $(addprefix $(BIN)/,test_serial_pair sim_sweep test_store_flip sim_soak)
SLOW_SAN = $(if $(SAN),$(BIN)/test_snmpd)
.PHONY: unit-main unit-watch
unit-main:
	$(Q)YOKE_BIN=$(BIN) $(PROVE) -j 2 $(LONGEST) \
		$(filter-out $(LONGEST) $(WATCH_BIN),$(UNIT_BIN))

unit-watch:
	$(Q)YOKE_BIN=$(BIN) $(PROVE) -j 4 $(filter-out $(SLOW_SAN),$(WATCH_BIN))

# What is installed beside the programs: man pages, units, completion.
.PHONY: check-files
check-files: programs
	$(Q)$(PROVE) --exec $(PYTHON) $(wildcard test/package/test_*.py)

check-clang:
	@echo "== clang builds it without a warning"
	$(Q)+$(MAKE) --no-print-directory CC=clang W=1 programs testprograms

# A third of the time to build is what its users do not see: line numbers stay.
AS_SAN := SAN=address,undefined CFLAGS="-O1 -g1"
check-san:
	$(Q)+$(MAKE) --no-print-directory -j2 --output-sync=target $(AS_SAN) \
		programs testprograms
	$(Q)+$(MAKE) --no-print-directory check-unit $(AS_SAN)

# The pair on a fake clock through random schedules of faults; a violation
# prints its seed, which build/bin/sim_soak -v SEED 10 plays again.
SEEDS ?= 10000
.PHONY: soak-sim bench-checkpoint
soak-sim: testprograms
	$(Q)$(BIN)/sim_soak $(SEEDS) 10

# check tries some of the calls, this all.
.PHONY: check-faults
check-faults: $(BIN)/test_store_fault
	$(Q)FAULT_STEP=1 $(BIN)/test_store_fault

# libFuzzer on what servers and agents say, FOR seconds on each target.
FOR ?= 600
TARGETS ?=
FUZZ_SAN := fuzzer-no-link,address,undefined
.PHONY: fuzz
fuzz:
	$(Q)+$(MAKE) --no-print-directory CC=clang SAN=$(FUZZ_SAN) \
		build/bin-clang-fuzzer-no-link-address-undefined/fuzz
	$(Q)FOR=$(FOR) test/fuzz/fuzz.sh \
		build/bin-clang-fuzzer-no-link-address-undefined/fuzz $(TARGETS)

# 10 000 servers on this machine itself, files in DIR; without root less of it.
DIR ?= build
bench-checkpoint: programs testprograms
	$(Q)$(PYTHON) test/bench/bench_checkpoint.py --dir $(DIR) \
		--json build/bench-checkpoint.json

# 10 000 tcp and 5000 http probes a second, beside keepalived's checkers.
.PHONY: bench-probes
FOR_PROBES ?= 70
bench-probes: programs testprograms $(BIN)/no_ipvs.so
	$(Q)$(PYTHON) test/bench/bench_probes.py --seconds $(FOR_PROBES) \
		--json build/bench-probes.json

$(BIN)/no_ipvs.so: test/bench/no_ipvs.c
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(YOKE_CFLAGS) -shared -fPIC -o $@ $<

ifneq ($(ROOT),)
check-rack: programs testprograms
	@echo "== rack tests"
	$(Q)$(PROVE) --exec $(PYTHON) $(RACK_TESTS)

.PHONY: check-long
check-long: programs testprograms
	$(Q)$(PROVE) --exec $(PYTHON) $(RACK_LONG)

# Tests of the measuring tools and of linkd against two corosyncs: they judge
# times, so they are run by people on a quiet machine, not by check.
.PHONY: check-tools
check-tools: programs testprograms
	$(Q)$(PROVE) --exec $(PYTHON) test/link/test_linkd.py test/prober/selftest.py

.PHONY: drills soak
TIMES ?= 1
LENGTH ?= 30m
DRILLS ?=
drills: programs testprograms
	$(Q)$(PYTHON) contrib/drills/run.py $(if $(DRILLS),run $(DRILLS),all) \
		--driver rack --times $(TIMES) --json build/drills.json

soak: programs testprograms
	$(Q)$(PYTHON) contrib/drills/run.py soak --driver rack --for $(LENGTH) \
		$(if $(SEED),--seed $(SEED)) --json build/soak.json

.PHONY: demo bench-failover bench-resync bench-early
demo: deps
	$(Q)+$(MAKE) --no-print-directory W=1 programs testprograms
	$(Q)$(PYTHON) test/rack/demo.py --json build/demo.json

# Beats while others change the machine's network.
.PHONY: bench-rtnl
bench-rtnl: programs testprograms
	$(Q)$(PYTHON) test/bench/bench_rtnl.py --json build/bench-rtnl.json

# 10 000 servers: reload, status, takeover, memory, late beats.
.PHONY: bench-scale
bench-scale: deps
	$(Q)+$(MAKE) --no-print-directory programs testprograms
	$(Q)$(PYTHON) test/rack/bench_scale.py --json build/bench-scale.json

# FAULTS=switch,nic: those only (test/rack/bench_faults.py has them all)
RUNS ?= 10
FAULTS ?=
bench-failover: deps
	$(Q)+$(MAKE) --no-print-directory programs testprograms
	$(Q)$(PYTHON) test/rack/bench_failover.py --runs $(RUNS) \
		$(if $(FAULTS),--only $(FAULTS)) --json build/bench-failover.json

# P2's table 3, P3's experiments, ill servers (test/rack/bench_weights.py):
# 45 minutes. PARTS=table3 STEADY=60: a shorter look.
PARTS ?=
.PHONY: bench-weights
STEADY ?= 300
bench-weights: deps
	$(Q)+$(MAKE) --no-print-directory programs testprograms
	$(Q)$(PYTHON) test/rack/bench_weights.py $(PARTS) --steady $(STEADY)

bench-resync bench-early: bench-%: deps
	$(Q)+$(MAKE) --no-print-directory programs testprograms
	$(Q)$(PYTHON) test/rack/bench_$*.py --runs $(RUNS) \
		--json build/bench-$*.json
else
check-rack:
	@echo "== rack tests: SKIPPED, they need root (sudo make check)"

demo bench-failover bench-resync bench-rtnl bench-early bench-scale bench-weights \
		drills soak check-long check-tools:
	@echo "make $@ needs root: sudo make $@" >&2; exit 1
endif

# What Prometheus' own tool says of the metrics (Debian package prometheus).
.PHONY: check-promtool
check-promtool:
	$(Q)test/promtool.sh

# ---- looks at the source ----
.PHONY: layers lint tidy fmt
layers:
	$(Q)test/layers.sh

SOURCES = $(shell git ls-files '*.c')
tidy: lint
	$(Q)test/tail.py

# cppcheck finds nothing or fails. clang-tidy (minutes) does not see that what
# conf_fail() and such return is an error: its words are to be read.
lint: $(GENERATED)
	$(Q)cppcheck -q --std=c11 --language=c --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --error-exitcode=1 \
		--suppress=uninitvar --suppress=legacyUninitvar --suppress=ctuuninitvar \
		-D_GNU_SOURCE -DYOKE_VERSION='""' -DYOKE_DATADIR='""' -I. $(SOURCES)
	$(Q)printf '%s\n' $(SOURCES) | xargs -P 2 -I% clang-tidy --quiet % -- \
		-std=gnu17 -D_GNU_SOURCE -DYOKE_VERSION='""' -DYOKE_DATADIR='""' \
		-I. -Ibuild/gen $(PKG_CFLAGS)

fmt:
	$(Q)clang-format -i $(shell git ls-files '*.[ch]')
