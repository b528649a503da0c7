# `make check` runs test/link/test_linkd.py as root; it needs corosync
TESTPROGS += fake_yoked

fake_yoked_SRC := test/link/fake_yoked.c
