PROGS += yoke-linkd
LINKD_SRC := \
	daemons/linkd/cpg.c \
	daemons/linkd/linkd.c \
	daemons/linkd/worker.c
yoke-linkd_SRC := \
	daemons/linkd/main.c \
	$(LINKD_SRC)
