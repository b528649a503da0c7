# those who look at yoked, beside a played one (test_play); they wait more than
# they work, so they are run side by side
WATCH_UNIT := test_feed test_news test_metrics test_metricsd test_events test_run
WATCH_UNIT += test_notifyd test_mib test_snmpd
UNIT += $(WATCH_UNIT)

test_feed_PKG = $(WATCH_PKG)
test_feed_SRC = \
	test/scratch.c \
	test/watch/test_feed.c \
	test/watch/test_play.c \
	$(WATCH_SRC)
test_news_PKG = $(WATCH_PKG)
test_news_SRC = \
	test/scratch.c \
	test/watch/test_news.c \
	test/watch/test_play.c \
	$(WATCH_SRC)
test_metrics_PKG = libmicrohttpd $(WATCH_PKG)
test_metrics_SRC = \
	daemons/metricsd/metrics.c \
	test/watch/test_metrics.c \
	test/watch/test_metrics_grammar.c \
	$(WATCH_SRC)
test_metricsd_PKG = $(WATCH_PKG)
test_metricsd_SRC = \
	test/scratch.c \
	test/watch/test_metricsd.c \
	test/watch/test_metrics_grammar.c \
	test/watch/test_play.c

# events, commands, and yoke-notifyd
test_events_PKG = $(WATCH_PKG)
test_events_SRC = \
	test/watch/test_events.c \
	$(WATCH_SRC)
test_run_SRC = \
	test/scratch.c \
	test/watch/test_run.c
test_notifyd_PKG = $(WATCH_PKG)
test_notifyd_SRC = \
	test/scratch.c \
	test/watch/test_notifyd.c \
	test/watch/test_play.c

# YOKE-MIB without snmpd, and with one
test_mib_PKG = $(WATCH_PKG)
test_mib_SRC = \
	test/watch/test_mib.c \
	$(SNMPD_SRC) \
	$(WATCH_SRC)
test_snmpd_PKG = netsnmp $(WATCH_PKG)
test_snmpd_SRC = \
	test/scratch.c \
	test/watch/test_play.c \
	test/watch/test_snmpd.c

# the live view
WATCH_UNIT += test_top
UNIT += test_top
test_top_PKG = $(WATCH_PKG)
test_top_SRC = \
	test/scratch.c \
	test/watch/test_play.c \
	test/watch/test_top.c \
	$(filter-out $(STATUS_TEXT_SRC),$(WATCH_SRC)) \
	$(STATUS_TEXT_SRC) \
	$(TOP_SRC)
