COMMON_SRC += \
	common/addr.c \
	common/buf.c \
	common/err.c \
	common/loop.c \
	common/msg.c \
	common/service.c \
	common/timers.c \
	common/usec.c
