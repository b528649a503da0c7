HA_SRC += \
	ha/lvs_conn.c \
	ha/lvs_diff.c \
	ha/lvs_nl.c \
	ha/lvs_op.c \
	ha/lvs_sock.c \
	ha/lvs_table.c \
	ha/lvs_wire.c

HA_SRC += \
	ha/change.c \
	ha/snapshot.c \
	ha/table.c \
	ha/wire.c

HA_SRC += \
	ha/beat.c \
	ha/beat_guard.c \
	ha/role.c

HA_SRC += \
	ha/beats.c \
	ha/beats_send.c \
	ha/silence.c \
	ha/decide.c \
	ha/pace.c \
	ha/path.c \
	ha/path_serial.c \
	ha/path_udp.c \
	ha/pulse.c \
	ha/serial_frame.c \
	ha/serial_pump.c \
	ha/serial_line.c

HA_SRC += \
	ha/announce.c \
	ha/ipvs.c \
	ha/ipvs_pass.c \
	ha/ipvs_probe.c \
	ha/table_diff.c \
	ha/vip_nl.c \
	ha/vip_renew.c

HA_SRC += \
	ha/director.c \
	ha/follow.c \
	ha/mutate.c \
	ha/replica.c \
	ha/fence.c \
	ha/history.c \
	ha/link_report.c \
	ha/mounting.c \
	ha/rollback.c \
	ha/takeover.c \
	ha/transition.c

HA_SRC += ha/link_msg.c

HA_SRC += \
	ha/neigh.c \
	ha/neigh_frame.c \
	ha/ping.c \
	ha/rt_parse.c \
	ha/rtwatch.c \
	ha/uplink.c \
	ha/uplink_nl.c \
	ha/vip_dup.c \
	ha/vip_watch.c

HA_SRC += \
	ha/conn_map.c \
	ha/sync_msg.c \
	ha/sync_sock.c \
	ha/sync_wire.c

HA_SRC += \
	ha/weigh.c \
	ha/weigh_cause.c \
	ha/weigh_decide.c \
	ha/weigh_measure.c \
	ha/weigh_overload.c \
	ha/weigh_text.c
