PROGS += yoked

yoked_SRC := \
	daemons/yoked/guard.c \
	daemons/yoked/main.c \
	daemons/yoked/yoked_command.c \
	daemons/yoked/yoked_fence.c \
	daemons/yoked/yoked_ipc.c \
	daemons/yoked/yoked_kernel.c \
	daemons/yoked/yoked_link.c \
	daemons/yoked/yoked_listen.c \
	daemons/yoked/yoked_monitor.c \
	daemons/yoked/yoked_net.c \
	daemons/yoked/yoked_reload.c \
	daemons/yoked/yoked_status.c \
	daemons/yoked/yoked_status_alarms.c \
	daemons/yoked/yoked_status_net.c \
	daemons/yoked/yoked_status_pair.c \
	daemons/yoked/yoked_status_services.c \
	daemons/yoked/yoked_status_tc.c \
	daemons/yoked/yoked_store.c \
	daemons/yoked/yoked_sync.c \
	daemons/yoked/yoked_sync_view.c \
	daemons/yoked/yoked_vips.c
