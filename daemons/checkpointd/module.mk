PROGS += yoke-checkpointd

yoke-checkpointd_SRC = \
	daemons/checkpointd/ipc.c \
	daemons/checkpointd/keeper.c \
	daemons/checkpointd/main.c \
	$(STORE_SRC)
yoke-checkpointd_PKG = $(STORE_PKG)
