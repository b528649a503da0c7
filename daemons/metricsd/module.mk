PROGS += yoke-metricsd

# all but main, for unit tests too
METRICSD_SRC := \
	daemons/metricsd/http.c \
	daemons/metricsd/metrics.c

yoke-metricsd_PKG := libmicrohttpd $(WATCH_PKG)
yoke-metricsd_SRC = \
	daemons/metricsd/main.c \
	$(METRICSD_SRC) \
	$(WATCH_SRC)
