TESTPROGS += prober

prober_SRC := \
	test/prober/prober.c \
	test/prober/options.c \
	test/prober/reactor.c \
	test/prober/http.c \
	test/prober/conn.c \
	test/prober/pace.c \
	test/prober/attempts.c \
	test/prober/standing.c \
	test/prober/outage.c \
	test/prober/report.c
prober_PKG :=

