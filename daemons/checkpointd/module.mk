PROGS += yoke-checkpointd

# all but main(), also linked by test_store_ipc; needs -lm
CHECKPOINTD_SRC = \
	daemons/checkpointd/device_guard.c \
	daemons/checkpointd/interval.c \
	daemons/checkpointd/ipc.c \
	daemons/checkpointd/keeper.c \
	daemons/checkpointd/keeper_chores.c \
	daemons/checkpointd/mounter.c \
	daemons/checkpointd/tuner.c \
	$(STORE_SRC)

yoke-checkpointd_SRC = \
	daemons/checkpointd/main.c \
	$(CHECKPOINTD_SRC)
yoke-checkpointd_PKG = $(STORE_PKG)
yoke-checkpointd_LDLIBS := -lm
