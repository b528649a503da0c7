COMMON_SRC += \
	common/addr.c \
	common/buf.c \
	common/conf.c \
	common/conf_check.c \
	common/conf_diff.c \
	common/conf_file.c \
	common/conf_frame.c \
	common/conf_load.c \
	common/conf_parse.c \
	common/conf_print.c \
	common/conf_rows.c \
	common/conf_scan.c \
	common/conf_service.c \
	common/conf_unique.c \
	common/conf_value.c \
	common/daemon.c \
	common/err.c \
	common/ipc_sweep.c \
	common/ipcc.c \
	common/ipcc_keep.c \
	common/ipcs.c \
	common/log.c \
	common/loop.c \
	common/msg.c \
	common/service.c \
	common/timers.c \
	common/usec.c
