TESTPROGS += test_lvs_kernel test_lvs_traffic

test_lvs_kernel_SRC := test/rack/test_lvs_kernel.c
test_lvs_traffic_SRC := test/rack/test_lvs_traffic.c

TESTPROGS += connload
connload_SRC := test/rack/connload.c
