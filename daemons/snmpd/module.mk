PROGS += yoke-snmpd

# all but main and the agent, for tests without snmpd
SNMPD_SRC := \
	daemons/snmpd/mib.c

yoke-snmpd_PKG := netsnmp-agent $(WATCH_PKG)
yoke-snmpd_SRC = \
	daemons/snmpd/agent.c \
	daemons/snmpd/main.c \
	$(SNMPD_SRC) \
	$(WATCH_SRC)
