# what programs that look at yoked share; needs libcommon behind it
WATCH_PKG := jansson
WATCH_SRC := \
	watch/feed.c \
	watch/status_get.c
