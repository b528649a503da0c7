PROGS += yoke-syncd

# all but main and IPC, for unit tests too
SYNCD_SRC := \
	daemons/syncd/capture_filter.c \
	daemons/syncd/cards.c \
	daemons/syncd/cards_wire.c \
	daemons/syncd/mirror_filter.c \
	daemons/syncd/targets.c

yoke-syncd_SRC := \
	daemons/syncd/capture.c \
	daemons/syncd/copies.c \
	daemons/syncd/early.c \
	daemons/syncd/early_thread.c \
	daemons/syncd/hear.c \
	daemons/syncd/join.c \
	daemons/syncd/main.c \
	daemons/syncd/mirror.c \
	daemons/syncd/mirror_cards.c \
	daemons/syncd/mirror_nl.c \
	daemons/syncd/mirror_tc.c \
	daemons/syncd/packets.c \
	daemons/syncd/seed.c \
	daemons/syncd/send.c \
	daemons/syncd/syncd.c \
	$(SYNCD_SRC)
