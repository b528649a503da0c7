UNIT += test_lvs test_lvs_diff

test_lvs_SRC := \
	test/unit/test_lvs.c \
	test/fake/lvs_fake.c
test_lvs_diff_SRC := \
	test/unit/test_lvs_diff.c \
	test/fake/lvs_fake.c

UNIT += test_loop
test_loop_SRC := \
	test/unit/test_loop.c

UNIT += test_ipc test_ipc_keep
test_ipc_SRC := \
	test/unit/ipc_server.c \
	test/unit/test_ipc.c
test_ipc_keep_SRC := \
	test/unit/ipc_server.c \
	test/unit/test_ipc_keep.c

# the checkpoint store, without IPC; $(STORE_SRC) is in store/
UNIT += test_store test_store_flip test_store_ipc test_store_kill
UNIT += test_store_power test_store_keep
test_store_SRC = \
	test/scratch.c \
	test/unit/test_store.c \
	test/unit/test_store_files.c \
	test/unit/test_store_help.c \
	$(STORE_SRC)
test_store_flip_SRC = \
	test/scratch.c \
	test/unit/test_store_flip.c \
	test/unit/test_store_help.c \
	$(STORE_SRC)
test_store_ipc_SRC = \
	test/scratch.c \
	test/unit/test_store_help.c \
	test/unit/test_store_ipc.c \
	$(CHECKPOINTD_SRC)
test_store_ipc_LDLIBS := -lm
test_store_kill_SRC = \
	test/scratch.c \
	test/unit/test_store_help.c \
	test/unit/test_store_kill.c \
	$(STORE_SRC)
test_store_power_SRC = \
	test/scratch.c \
	test/unit/test_store_help.c \
	test/unit/test_store_power.c \
	$(STORE_SRC)
test_store_power_PKG = $(STORE_PKG)
test_store_keep_SRC = \
	test/scratch.c \
	test/unit/test_store_files.c \
	test/unit/test_store_help.c \
	test/unit/test_store_keep.c \
	$(STORE_SRC)
test_store_keep_PKG = $(STORE_PKG)
UNIT += test_device_guard
test_device_guard_SRC := \
	daemons/checkpointd/device_guard.c \
	test/unit/test_device_guard.c

# checkpointd's keeper on a fake clock, over storage that fails every call
UNIT += test_store_fault
test_store_fault_SRC = \
	test/fake/io_fault.c \
	test/fake/loop_fake.c \
	test/scratch.c \
	test/unit/test_store_fault.c \
	test/unit/test_store_help.c \
	$(CHECKPOINTD_SRC)
test_store_fault_PKG = $(STORE_PKG)
test_store_fault_LDLIBS := -lm
test_store_PKG = $(STORE_PKG)
test_store_ipc_PKG = $(STORE_PKG)
test_store_flip_PKG = $(STORE_PKG)
test_store_kill_PKG = $(STORE_PKG)

# Tc: Young, Daly, and what they mean for a journal
UNIT += test_interval
test_interval_SRC := \
	daemons/checkpointd/interval.c \
	test/unit/test_interval.c
test_interval_LDLIBS := -lm

UNIT += test_conf
test_conf_SRC := \
	test/scratch.c \
	test/unit/test_conf.c
test_conf_LDLIBS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

UNIT += test_probe_path
test_probe_path_SRC := test/unit/test_probe_path.c

# monitord's probes against servers of their own, without IPC
UNIT += test_monitor test_monitor_parts test_monitor_policy
test_monitor_SRC = \
	test/unit/test_monitor.c \
	test/unit/test_monitor_help.c \
	test/unit/test_monitor_server.c \
	$(MONITOR_SRC)
test_monitor_PKG = $(MONITOR_PKG)
test_monitor_LDLIBS := -lm
test_monitor_parts_SRC := \
	daemons/monitord/http_match.c \
	daemons/monitord/lateness.c \
	test/unit/test_monitor_parts.c
test_monitor_policy_SRC = \
	test/scratch.c \
	test/unit/test_monitor_help.c \
	test/unit/test_monitor_policy.c \
	test/unit/test_monitor_server.c \
	$(MONITOR_SRC)
test_monitor_policy_PKG = $(MONITOR_PKG)
test_monitor_policy_LDLIBS := -lm

UNIT += test_table test_wire
test_table_SRC := \
	test/unit/test_store_help.c \
	test/unit/test_table.c
test_wire_SRC := \
	test/unit/test_store_help.c \
	test/unit/test_wire.c

UNIT += test_beat
test_beat_SRC := \
	test/unit/test_beat.c

# status: the JSON writer, yoked's document, and its text for people
UNIT += test_out test_status test_status_text
test_out_SRC := \
	test/unit/test_out.c
test_out_PKG := jansson
test_status_SRC := \
	daemons/yoked/yoked_status.c \
	daemons/yoked/yoked_status_alarms.c \
	daemons/yoked/yoked_status_net.c \
	daemons/yoked/yoked_status_pair.c \
	daemons/yoked/yoked_status_services.c \
	daemons/yoked/yoked_status_tc.c \
	daemons/yoked/yoked_sync_view.c \
	test/unit/test_status.c \
	test/unit/test_status_make.c
test_status_PKG := jansson
test_status_text_SRC = \
	test/unit/test_status_text.c \
	$(STATUS_TEXT_SRC)
test_status_text_PKG := jansson

# the serial line: framing and pace without I/O, then pseudo terminals
UNIT += test_serial test_serial_line test_serial_pair test_serial_pump
test_serial_SRC := \
	test/unit/test_serial.c
test_serial_line_SRC := \
	test/scratch.c \
	test/unit/test_serial_line.c \
	test/unit/test_serial_help.c
test_serial_line_LDLIBS := -Wl,--wrap=ioctl,--wrap=tcsetattr
test_serial_pump_SRC := \
	test/unit/test_serial_pump.c
test_serial_pair_SRC := \
	test/scratch.c \
	test/unit/test_serial_pair.c \
	test/unit/test_serial_help.c

UNIT += test_linkd
test_linkd_SRC = \
	test/unit/test_linkd.c \
	$(LINKD_SRC)

# the yoke command, run against a played yoked
# yoke checkpoint, run on directories made here
UNIT += test_yoke_checkpoint
test_yoke_checkpoint_SRC = \
	test/scratch.c \
	test/unit/test_store_files.c \
	test/unit/test_store_help.c \
	test/unit/test_yoke_checkpoint.c \
	$(STORE_SRC)
test_yoke_checkpoint_PKG = jansson $(STORE_PKG)

UNIT += test_yoke
test_yoke_SRC := \
	test/scratch.c \
	test/unit/test_yoke.c

# the pair's decisions and what carries them out, on a fake clock
UNIT += test_decide test_role test_beats test_announce test_table_diff test_ipvs
test_decide_SRC := \
	test/unit/test_decide.c
test_role_SRC := \
	test/unit/test_role.c
test_beats_SRC := \
	test/unit/test_beats.c \
	test/fake/loop_fake.c \
	test/fake/path_fake.c
test_announce_SRC := \
	test/unit/test_announce.c
test_table_diff_SRC := \
	test/unit/test_table_diff.c
test_ipvs_SRC := \
	test/unit/test_ipvs.c \
	test/fake/loop_fake.c \
	test/fake/lvs_fake.c

UNIT += test_uplink
test_uplink_SRC := \
	test/fake/loop_fake.c \
	test/fake/uplink_fake.c \
	test/unit/test_uplink.c

UNIT += test_neigh
test_neigh_SRC := \
	test/unit/test_neigh.c

# sync datagrams, and what syncd makes of packets
UNIT += test_sync_msg test_syncd test_mirror
test_sync_msg_SRC := \
	test/unit/test_sync_msg.c
test_mirror_SRC = \
	test/unit/test_mirror.c \
	$(SYNCD_SRC)
test_syncd_SRC = \
	test/unit/test_syncd.c \
	$(SYNCD_SRC)

UNIT += test_vip_watch test_vip_dup
test_vip_watch_SRC := \
	test/fake/loop_fake.c \
	test/unit/test_vip_watch.c
test_vip_dup_SRC := \
	test/fake/loop_fake.c \
	test/unit/test_vip_dup.c
UNIT += test_urgent
test_urgent_SRC := \
	test/unit/test_urgent.c

UNIT += test_vip_renew
test_vip_renew_SRC := \
	test/unit/test_vip_renew.c

# policies: a decision at a time, a whole run, and as text
UNIT += test_weigh test_weigh_sim test_weigh_memory
test_weigh_SRC := \
	test/scratch.c \
	test/unit/test_weigh.c \
	test/unit/weigh_world.c
test_weigh_LDLIBS := -lm
test_weigh_sim_SRC := \
	test/unit/test_weigh_sim.c \
	test/unit/weigh_world.c
test_weigh_sim_LDLIBS := -lm
test_weigh_memory_SRC := \
	test/unit/test_weigh_memory.c \
	test/unit/weigh_memory.c \
	test/unit/weigh_world.c
test_weigh_memory_LDLIBS := -lm

# other programs' configurations; $(IMPORT_SRC) is in daemons/yoke
UNIT += test_import
test_import_SRC = \
	test/unit/test_import.c \
	$(IMPORT_SRC)

# the agent of real servers
UNIT += test_agentd
test_agentd_SRC = \
	test/scratch.c \
	test/unit/test_agentd.c \
	$(AGENTD_SRC)

# checks beside tcp and http, and what agents say
UNIT += test_checks
test_checks_SRC = \
	test/scratch.c \
	test/unit/test_checks.c \
	$(MONITOR_SRC)
test_checks_PKG = $(MONITOR_PKG)
test_checks_LDLIBS := -lm

# SNMP: what answers mean, and a real snmpd
UNIT += test_snmp_check
test_snmp_check_SRC = \
	test/unit/test_monitor_help.c \
	test/unit/test_monitor_server.c \
	test/unit/test_snmp_check.c \
	$(MONITOR_SRC)
test_snmp_check_PKG = $(MONITOR_PKG)
test_snmp_check_LDLIBS := -lm
