"""corosync: starts and stops corosync in a director.

Two links (eth0, eth1), two nodes, no quorum to wait for unless asked, no
encryption. The
configuration goes to the machine's private /etc/corosync. It runs without
real-time priority: these machines have one CPU, and a corosync that waits for
an answer while spinning at any real-time priority keeps ksoftirqd from
delivering it; seen as beats that arrived once a second for half a minute.
Start both at once (rack.each): knet touches 100 MB of buffers first, a second
of work.
"""

CONF = """\
totem {{
	version: 2
	cluster_name: {name}
	transport: knet
	crypto_cipher: none
	crypto_hash: none
	link_mode: {link_mode}
	token: {token}
	consensus: {consensus}
}}
nodelist {{
	node {{
		name: d1
		nodeid: 1
		ring0_addr: 10.77.0.1
		ring1_addr: 10.77.1.1
	}}
	node {{
		name: d2
		nodeid: 2
		ring0_addr: 10.77.0.2
		ring1_addr: 10.77.1.2
	}}
}}
quorum {{
{quorum}}}
system {{
	sched_rr: no
	allow_knet_handle_fallback: yes
}}
logging {{
	to_stderr: no
	to_syslog: no
	to_logfile: yes
	logfile: {log}
	timestamp: hires
}}
"""


def conf(log, name="rack", link_mode="active", token=1000, consensus=None,
         quorum=()):
    """quorum: lines of that section."""
    return CONF.format(log=log, name=name, link_mode=link_mode, token=token,
                       consensus=consensus or token * 6 // 5,
                       quorum="".join(f"\t{line}\n" for line in quorum))


def start(rack, node, **settings):
    """A killed one leaves 8 MB of flight recorder in /dev/shm; five of them, and
    a machine of 256 MB has no room for the next, which the kernel kills."""
    rack.run(node, "rm -f /dev/shm/qb-corosync-*", check=False)
    log = f"{rack.dir}/{node}/corosync.log"
    rack.put(node, "/etc/corosync/corosync.conf", conf(log, **settings))
    return rack.spawn(node, "exec corosync -f",
                      log=f"{rack.dir}/{node}/corosync.out")


def up(rack, node):
    """True when corosync answers."""
    return rack.run(node, "corosync-cfgtool -s", check=False).returncode == 0


def members(rack, node):
    """The node ids that a node's corosync sees, sorted; [] when it is down."""
    out = rack.run(node, "corosync-cmapctl runtime.members.", check=False)
    return sorted(int(line.split(".")[2]) for line in out.splitlines()
                  if ".status (" in line and line.endswith("= joined"))


def stop(rack, node, kill=False):
    """kill: as a crash; otherwise it leaves the membership in order."""
    rack.run(node, "pkill -KILL -x corosync" if kill else
             "pkill -TERM -x corosync", check=False)
