# yoke: one non-recursive Makefile. Every folder's module.mk names its sources.
#
#   make                 build everything into build/bin
#   make check           install packages (as root), build, run every test
#   make check-unit      unit and scenario tests only; no root needed
#   make check-rack      tests on the rack of virtual machines; root needed
#   make demo            raise a rack, cut the active director's power, report
#   make bench-failover  the failover table, yoke and keepalived in one run
#   make tidy fmt layers install
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
unitdir ?= $(prefix)/lib/systemd/system

comma := ,
FLAVOUR := $(if $(filter clang%,$(CC)),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COV),-cov)
OBJ := build/obj$(FLAVOUR)
BIN := build/bin$(FLAVOUR)

CFLAGS ?= -O2 -g
YOKE_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DYOKE_VERSION='"$(VERSION)"' -I. \
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

$(OBJ)/libcommon.a: $(call obj,$(COMMON_SRC))
$(OBJ)/libha.a: $(call obj,$(HA_SRC))
$(OBJ)/%.a:
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define prog_rule
$(BIN)/$(1): $(call obj,$($(1)_SRC)) $(if $(filter undefined,$(origin $(1)_DEPS)),$(OBJ)/libha.a $(OBJ)/libcommon.a,$($(1)_DEPS))
	$$(say) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(YOKE_LDFLAGS) -o $$@ $$^ \
		$$$$(pkg-config --libs $$(if $$(filter undefined,$$(origin $(1)_DEPS)),$(LIB_PKG)) $$($(1)_PKG)) $$($(1)_LDLIBS)
endef
$(foreach p,$(ALLPROGS),$(eval $(call prog_rule,$(p))))

.PHONY: programs testprograms clean
programs: $(addprefix $(BIN)/,$(PROGS))
testprograms: $(addprefix $(BIN)/,$(TESTPROGS) $(UNIT))
clean:
	rm -rf build

-include $(wildcard $(OBJ)/*/*.d $(OBJ)/*/*/*.d)
