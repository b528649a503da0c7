SIM_SRC := \
	test/fake/fence_fake.c \
	test/fake/link_fake.c \
	test/fake/loop_fake.c \
	test/fake/lvs_fake.c \
	test/fake/path_fake.c \
	test/fake/store_fake.c \
	test/fake/vip_fake.c \
	test/sim/sim.c \
	test/sim/sim_check.c \
	test/sim/sim_conf.c

UNIT += sim_run
sim_run_SRC := \
	test/sim/scn.c \
	test/sim/scn_do.c \
	test/sim/scn_expect.c \
	test/sim/sim_run.c \
	$(SIM_SRC)

UNIT += sim_soak
sim_soak_SRC := \
	test/sim/sim_soak.c \
	$(SIM_SRC)

UNIT += sim_sweep
sim_sweep_SRC := \
	test/sim/sim_sweep.c \
	$(SIM_SRC)
