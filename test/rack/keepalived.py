"""keepalived: the peer in the benches, set up for the same work.

sync="tuned" is what makes its connections survive best on this rack:
sync_threshold "2 0" (a connection is sent when it is established),
sync_maxlen 60 (and at once), sloppy_tcp.
"""

CONF = """\
global_defs {{
	router_id {node}
	vrrp_version {version}
	vrrp_garp_master_refresh 0
	lvs_sync_daemon eth1 VI_1 id 51{maxlen}
}}
vrrp_instance VI_1 {{
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority {priority}
	advert_int {advert_int}
{extra}	virtual_ipaddress {{
		{vip}/32 dev eth0
	}}
}}
virtual_server {vip} {port} {{
	delay_loop 1
	lvs_sched {scheduler}
{flags}	lvs_method DR
	protocol TCP
{servers}}}
"""

SERVER = """\
	real_server {addr} {port} {{
		weight 1
		TCP_CHECK {{
			connect_timeout 1
		}}
	}}
"""

SYNC = {
    # sync_threshold, sync_maxlen, sloppy_tcp
    "default": ("3 50", None, 0),
    "tuned": ("2 0", 60, 1),
}


def conf(rack, node, priority, advert_int, vrrp_version, maxlen, scheduler,
         port, extra):
    return CONF.format(
        node=node, version=vrrp_version, priority=priority,
        advert_int=advert_int, vip=rack.VIP, port=port, scheduler=scheduler,
        maxlen=f" maxlen {maxlen}" if maxlen else "",
        flags="\tmh-port\n" if scheduler == "mh" else "",
        extra="".join(f"\t{line}\n" for line in extra),
        servers="".join(SERVER.format(addr=a, port=port)
                        for a in rack.RS.values()))


def start(rack, node, priority, advert_int="1", vrrp_version=2,
          sync="default", scheduler="rr", port=80, extra=()):
    threshold, maxlen, sloppy = SYNC[sync]
    rack.run(node, f"echo '{threshold}' >/proc/sys/net/ipv4/vs/sync_threshold;"
             f"echo {sloppy} >/proc/sys/net/ipv4/vs/sloppy_tcp")
    rack.put(node, "/etc/keepalived/keepalived.conf",
             conf(rack, node, priority, advert_int, vrrp_version, maxlen,
                  scheduler, port, extra))
    return rack.spawn(node, "exec keepalived --dont-fork --log-console "
                      "--log-detail", log=f"{rack.dir}/{node}/keepalived.log")


def stop(rack, node, kill=False):
    """kill: as a crash, VIP and table stay; otherwise it tidies up."""
    rack.run(node, "pkill -KILL -x keepalived" if kill else
             "pkill -TERM -x -o keepalived", check=False)
    if not kill:
        rack.wait_for(lambda: not rack.run(
            node, "pgrep -x keepalived", check=False), 10, "keepalived's end")
