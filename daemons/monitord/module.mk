PROGS += yoke-monitord

# all but IPC and main, for unit tests too
MONITOR_SRC := \
	daemons/monitord/check.c \
	daemons/monitord/agent_reply.c \
	daemons/monitord/check_command.c \
	daemons/monitord/check_http.c \
	daemons/monitord/check_snmp.c \
	daemons/monitord/check_talk.c \
	daemons/monitord/check_tcp.c \
	daemons/monitord/dns_talk.c \
	daemons/monitord/http_match.c \
	daemons/monitord/lateness.c \
	daemons/monitord/monitor.c \
	daemons/monitord/plan.c \
	daemons/monitord/poller.c \
	daemons/monitord/probe.c \
	daemons/monitord/snmp_login.c \
	daemons/monitord/snmp_reply.c \
	daemons/monitord/snmp_user.c \
	daemons/monitord/snmp_value.c \
	daemons/monitord/vip_path.c \
	daemons/monitord/weigher.c

# libraries of those
MONITOR_PKG := libcurl netsnmp

yoke-monitord_PKG = $(MONITOR_PKG)
yoke-monitord_LDLIBS := -lm
yoke-monitord_SRC := \
	daemons/monitord/main.c \
	daemons/monitord/monitord_ipc.c \
	$(MONITOR_SRC)
