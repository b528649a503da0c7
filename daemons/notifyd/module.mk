PROGS += yoke-notifyd

yoke-notifyd_PKG := $(WATCH_PKG)
yoke-notifyd_SRC = \
	daemons/notifyd/main.c \
	daemons/notifyd/sink.c \
	daemons/notifyd/sink_command.c \
	daemons/notifyd/sink_fifo.c \
	$(WATCH_SRC)
