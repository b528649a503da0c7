TESTPROGS += prober vipwatch beatblast

prober_SRC := \
	test/prober/prober.c \
	test/prober/options.c \
	test/prober/reactor.c \
	test/prober/http.c \
	test/prober/conn.c \
	test/prober/pace.c \
	test/prober/attempts.c \
	test/prober/standing.c \
	test/prober/tally.c \
	test/prober/outage.c \
	test/prober/report.c
prober_PKG :=


vipwatch_SRC := \
	test/prober/vipwatch.c \
	test/prober/vipwatch_nl.c
vipwatch_PKG :=

beatblast_SRC := \
	test/prober/beatblast.c \
	test/prober/beatblast_file.c
beatblast_PKG :=
