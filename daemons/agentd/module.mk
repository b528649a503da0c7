PROGS += yoke-agentd

# all but main and libmicrohttpd, for unit tests too
AGENTD_SRC := \
	daemons/agentd/agent_conf.c \
	daemons/agentd/arp.c \
	daemons/agentd/hits.c \
	daemons/agentd/judge.c \
	daemons/agentd/memory.c \
	daemons/agentd/sensors.c \
	daemons/agentd/text.c

# For real servers: nothing of libqb and the like in it.
yoke-agentd_DEPS = $(OBJ)/libcommon.a
yoke-agentd_PKG := libmicrohttpd gnutls
yoke-agentd_SRC := \
	daemons/agentd/main.c \
	daemons/agentd/serve.c \
	$(AGENTD_SRC)
