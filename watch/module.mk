# what programs that look at yoked share; needs libcommon behind it
WATCH_PKG := jansson
WATCH_SRC := \
	watch/events.c \
	watch/feed.c \
	watch/news.c \
	watch/status_get.c
