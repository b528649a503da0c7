# What `make install` puts where, and the packages.
#   make deb     build/packages/*.deb      (debhelper)
#   make rpm     build/packages/*.rpm      (rpmbuild)
#   make lint-packages                    (lintian, rpmlint)
# A program for the real servers goes to the package yoke-agent; it and its
# files are AGENT_*, and without such a program there is no such package.
AGENT_PROGS = $(filter yoke-agentd,$(PROGS))
DIRECTOR_PROGS = $(filter-out $(AGENT_PROGS),$(PROGS))
AGENT_UNITS = $(wildcard packaging/units/yoke-agent*)
DIRECTOR_UNITS = $(filter-out $(AGENT_UNITS),$(wildcard packaging/units/*))
UNIT_NAMES = $(notdir $(filter %.service,$(DIRECTOR_UNITS)))
ENABLED_UNITS = $(filter-out $(DISABLED_UNITS),$(UNIT_NAMES))
AGENT_MAN = $(wildcard packaging/man/yoke-agent*)
DIRECTOR_MAN = $(filter-out $(AGENT_MAN),$(wildcard packaging/man/*))
libexecdir ?= $(prefix)/libexec
libdir_noarch = $(prefix)/lib
examplesdir ?= $(prefix)/share/doc/yoke/examples
docdir ?= $(prefix)/share/doc/yoke-doc
agentdocdir ?= $(prefix)/share/doc/yoke-agent/examples
# needs an snmpd, so whoever has one enables it
DISABLED_UNITS := yoke-snmpd.service

COMPLETION := build/gen/yoke.bash
$(COMPLETION): packaging/yoke.bash.in schema/commands.def
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)sed -n "s/^CMD([a-z_]*, *\"\([^\"]*\)\".*/\t'\1'/p" \
		schema/commands.def >$@.rows
	$(Q)sed -e '/@USAGE@/{r $@.rows' -e 'd}' packaging/yoke.bash.in >$@.new
	$(Q)mv $@.new $@ && rm $@.rows

# $(call put,MODE,DIRECTORY,FILES): nothing when there are no files
put = $(if $(strip $(3)),install -d $(DESTDIR)$(2) && \
	install -m $(1) $(3) $(DESTDIR)$(2),:)
put_man = $(call put,644,$(mandir)/man5,$(filter %.5,$(1))) ; \
	$(call put,644,$(mandir)/man8,$(filter %.8,$(1)))

.PHONY: install install-director install-agent install-doc
install: install-director install-agent install-doc

install-director: programs $(COMPLETION)
	$(call put,755,$(sbindir),$(addprefix $(BIN)/,$(DIRECTOR_PROGS)))
	$(call put,644,$(unitdir),$(DIRECTOR_UNITS))
	$(call put_man,$(DIRECTOR_MAN))
	$(call put,644,$(datadir)/drills,$(wildcard contrib/drills/*.py))
	$(call put,755,$(libexecdir)/yoke,packaging/after-upgrade)
	install -D -m 644 $(COMPLETION) \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/yoke
	install -D -m 644 packaging/modules-load.conf \
		$(DESTDIR)$(libdir_noarch)/modules-load.d/yoke.conf
	install -D -m 644 packaging/sysctl.conf \
		$(DESTDIR)$(libdir_noarch)/sysctl.d/50-yoke.conf
	install -D -m 644 packaging/sysusers.conf \
		$(DESTDIR)$(libdir_noarch)/sysusers.d/yoke.conf
	install -D -m 644 packaging/mib/YOKE-MIB.txt \
		$(DESTDIR)$(prefix)/share/snmp/mibs/YOKE-MIB.txt
	install -D -m 644 packaging/tmpfiles.conf \
		$(DESTDIR)$(libdir_noarch)/tmpfiles.d/yoke.conf
	install -D -m 644 packaging/needrestart.conf \
		$(DESTDIR)$(sysconfdir)/needrestart/conf.d/yoke.conf
	install -d $(DESTDIR)$(localstatedir)/lib/yoke $(DESTDIR)$(sysconfdir)/yoke
	install -d $(DESTDIR)$(examplesdir)
	install -m 644 packaging/yoke.conf packaging/checkpoint-device.conf \
		$(DESTDIR)$(examplesdir)

# what of the tree only the real servers need
AGENT_EXAMPLES = $(if $(AGENT_PROGS),$(wildcard packaging/agentd.conf))
install-agent: $(addprefix $(BIN)/,$(AGENT_PROGS))
	$(call put,644,$(agentdocdir),$(AGENT_EXAMPLES))
	$(call put,755,$(sbindir),$(addprefix $(BIN)/,$(AGENT_PROGS)))
	$(call put,644,$(unitdir),$(AGENT_UNITS))
	$(call put_man,$(AGENT_MAN))

install-doc:
	$(call put,644,$(docdir),README.md HACKING.md test/RESULTS.md)
	$(call put,644,$(docdir)/examples,packaging/yoke.conf)

# ---- packages ----
# Built from a copy, so that the tree stays clean; it need not be a git clone.
PACKAGES := build/packages
EXPORT := build/export/yoke-$(VERSION)
.PHONY: deb rpm export
export:
	$(Q)rm -rf build/export && mkdir -p $(EXPORT) $(PACKAGES)
	$(Q)tar -c --exclude=./build --exclude=./.git --exclude=./debian \
		--exclude=__pycache__ . | tar -x -C $(EXPORT)

# Tests are `make check`; DEB_BUILD_OPTIONS= runs the unit tests here too.
deb: export
	$(Q)grep -q '^yoke ($(VERSION)-' packaging/debian/changelog || \
		{ echo "packaging/debian/changelog is not of $(VERSION)" >&2; exit 1; }
	$(Q)cp -r packaging/debian $(EXPORT)/debian
	$(Q)rm -f $(EXPORT)/debian/control.agent
	$(if $(AGENT_PROGS),,$(Q)rm -f $(EXPORT)/debian/yoke-agent.*)
	$(Q)sed -i -e 's/@UNITS@/$(UNIT_NAMES)/' \
		-e 's/@ENABLED@/$(ENABLED_UNITS)/' \
		-e 's/@DISABLED@/$(DISABLED_UNITS)/' \
		$(EXPORT)/debian/yoke.prerm $(EXPORT)/debian/rules
	$(if $(AGENT_PROGS),$(Q)cat packaging/debian/control.agent \
		>>$(EXPORT)/debian/control)
	$(Q)cd $(EXPORT) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		DEB_BUILD_OPTIONS="$${DEB_BUILD_OPTIONS-nocheck parallel=2}" \
		dpkg-buildpackage -b -us -uc
	$(Q)rm -f $(PACKAGES)/*.deb $(PACKAGES)/*.changes $(PACKAGES)/*.buildinfo
	$(Q)mv build/export/*.deb build/export/*.changes \
		build/export/*.buildinfo $(PACKAGES)
	@ls -l $(PACKAGES)/*.deb

RPMTOP := $(CURDIR)/build/rpmbuild
rpm: export
	$(Q)rm -rf $(RPMTOP) && mkdir -p $(RPMTOP)/SOURCES $(RPMTOP)/SPECS
	$(Q)sed -e 's/@VERSION@/$(VERSION)/; s/@UNITS@/$(UNIT_NAMES)/g' \
		-e 's/@ENABLED@/$(ENABLED_UNITS)/' packaging/rpm/yoke.spec \
		>$(RPMTOP)/SPECS/yoke.spec
	$(Q)tar -cz -C build/export -f $(RPMTOP)/SOURCES/yoke-$(VERSION).tar.gz \
		yoke-$(VERSION)
	$(Q)env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL rpmbuild -ba \
		--define '_topdir $(RPMTOP)' \
		$(if $(AGENT_PROGS),--with agent) \
		$(if $(wildcard /etc/debian_version),--nodeps --with debuginfo) \
		$(RPMTOP)/SPECS/yoke.spec
	$(Q)rm -f $(PACKAGES)/*.rpm
	$(Q)mv $(RPMTOP)/RPMS/*/*.rpm $(RPMTOP)/SRPMS/*.rpm $(PACKAGES)
	@ls -l $(PACKAGES)/*.rpm

# What Debian and Red Hat would say to them.
.PHONY: lint-packages
lint-packages:
	$(Q)lintian --fail-on error,warning --tag-display-limit 0 \
		$(if $(ROOT),--allow-root) $(PACKAGES)/*.changes
	$(Q)rpmlint -c packaging/rpm/rpmlint.toml build/rpmbuild/SPECS/yoke.spec \
		$$(ls $(PACKAGES)/*.rpm | grep -v debuginfo)

# The package of an earlier commit, to upgrade from: the first one there was.
OLD ?= eecb20a
OLD_DEB := build/old/$(OLD).deb
$(OLD_DEB):
	$(Q)rm -rf build/old && mkdir -p build/old/tree
	$(Q)git archive $(OLD) | tar -x -C build/old/tree
	$(Q)+env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		$(MAKE) --no-print-directory -C build/old/tree deb
	$(Q)mv build/old/tree/build/packages/yoke_*.deb $@
	$(Q)rm -rf build/old/tree

# A new user's way, on two fresh Debian systems; an upgrade from the older
# package; the RPM's files and scriptlets. Root, network, some minutes.
.PHONY: walk
walk: deb rpm testprograms
	$(Q)$(PYTHON) test/package/check_rpm.py
	$(Q)$(PYTHON) test/package/walk.py $(if $(SLOW),--slow)
	$(Q)+if git cat-file -e $(OLD)^{commit} 2>/dev/null; then \
		$(MAKE) --no-print-directory walk-upgrade; \
	else \
		echo "upgrade from an older version: SKIPPED, $(OLD) is not" \
			"in this clone"; \
	fi

.PHONY: walk-upgrade
walk-upgrade: $(OLD_DEB)
	$(Q)$(PYTHON) test/package/upgrade.py $(if $(SLOW),--slow) $(OLD_DEB) \
		$(PACKAGES)/yoke_$(VERSION)-*.deb
