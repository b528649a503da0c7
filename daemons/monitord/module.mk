PROGS += yoke-monitord

# all but IPC and main, for unit tests too
MONITOR_SRC := \
	daemons/monitord/check.c \
	daemons/monitord/agent_reply.c \
	daemons/monitord/check_command.c \
	daemons/monitord/check_http.c \
	daemons/monitord/check_talk.c \
	daemons/monitord/check_tcp.c \
	daemons/monitord/http_match.c \
	daemons/monitord/lateness.c \
	daemons/monitord/monitor.c \
	daemons/monitord/plan.c \
	daemons/monitord/poller.c \
	daemons/monitord/probe.c \
	daemons/monitord/weigher.c

yoke-monitord_PKG := libcurl
yoke-monitord_LDLIBS := -lm
yoke-monitord_SRC := \
	daemons/monitord/main.c \
	daemons/monitord/monitord_ipc.c \
	$(MONITOR_SRC)
