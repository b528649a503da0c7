"""pair: yoke on both directors of a rack: configuration, daemons, questions.

    with Rack() as rack:
        pair = Pair(rack, interval="10ms")
        pair.start()
        pair.wait_settled()
        print(pair.status("d1")["role"])
"""
import json
import os

from uml import REPO, RUN_S, RunError, wait_for

BIN = os.environ.get("YOKE_BIN", f"{REPO}/build/bin")
DAEMONS = ("yoked", "yoke-linkd", "yoke-checkpointd", "yoke-monitord",
           "yoke-syncd")
CONF = "/etc/yoke/yoke.conf"

TEXT = """\
instance = main
key_file = /etc/yoke/key
beat {{ interval = {interval}  misses = {misses} }}
start_wait = {start_wait}
node d1 {{ id = 1
	path net1 {{ device = eth0  address = {d1} }}
	path net2 {{ device = eth1  address = {c1} }}
	{node_extra}
}}
node d2 {{ id = 2
	path net1 {{ device = eth0  address = {d2} }}
	path net2 {{ device = eth1  address = {c2} }}
	{node_extra}
}}
vip {vip}/32 {{ device = eth0 }}
vip {vip6}/128 {{ device = eth0 }}
{services}
checkpoint {{ directory = {directory}  interval = {checkpoint_interval} }}
sync {{ enabled = {sync}  id = 10  early = {early}  mirror = {mirror} }}
test {{ no_replica = {no_replica} }}
{extra}
"""

SERVICE = """\
service {name} {{
	address = {address}
	port = 80
	scheduler = {scheduler}{flags}
	method = dr
	check alive {{ type = http  path = /health  status = 200  body = ok
		interval = 1s  timeout = 500ms  rise = 2  fall = 2 }}
{servers}}}
"""


class Pair:
    def __init__(self, rack, interval="20ms", misses=3, scheduler="mh",
                 start_wait="1s", directory=None, checkpoint_interval="2s",
                 sync="true", early="true", mirror="true", no_replica="false",
                 extra="", weight=10,
                 corosync=True, node_extra="", serial=0):
        """serial: speed of a path `line` on the serial line; 0: none."""
        if serial:
            node_extra += (f"\n\tpath line {{ type = serial  device = "
                           f"{rack.SERIAL}  speed = {serial} }}")
        self.rack = rack
        self.corosync = corosync
        self.bin = BIN
        self.directory = directory or f"{rack.shared}/checkpoint"
        os.makedirs(f"{rack.shared}/checkpoint", exist_ok=True)
        self.key = os.urandom(32).hex()
        self.set = dict(
            interval=interval, misses=misses, start_wait=start_wait,
            d1=rack.ADDR["d1"], d2=rack.ADDR["d2"], c1=rack.CROSS["d1"],
            c2=rack.CROSS["d2"], vip=rack.VIP, vip6=rack.VIP6,
            directory=self.directory, checkpoint_interval=checkpoint_interval,
            sync=sync, early=early, mirror=mirror, no_replica=no_replica, extra=extra,
            node_extra=node_extra)
        self.scheduler, self.weight = scheduler, weight
        self.pids = {}

    # -- configuration ---------------------------------------------------

    def services(self):
        flags = "  flags = { mh-fallback, mh-port }" if self.scheduler == "mh" else ""
        out = ""
        for name, vip, servers in (("web", self.rack.VIP, self.rack.RS),
                                   ("web6", self.rack.VIP6, self.rack.RS6)):
            rows = "".join(f"\tserver {rs} {{ address = {a}  "
                           f"weight = {self.weight} }}\n"
                           for rs, a in servers.items())
            out += SERVICE.format(name=name, address=vip, flags=flags,
                                  scheduler=self.scheduler, servers=rows)
        return out

    def conf(self, **more):
        return TEXT.format(**{**self.set, "services": self.services(), **more})

    def configure(self, node, **more):
        self.rack.put(node, CONF, self.conf(**more))
        self.rack.put(node, "/etc/yoke/key", self.key, mode=0o600)

    # -- daemons ---------------------------------------------------------

    def start_daemon(self, node, name, wrap=""):
        pid = self.rack.spawn(
            node, f"exec {wrap}{BIN}/{name} -f -c {CONF} -n {node}",
            log=f"{self.rack.dir}/{node}/{name}.log")
        self.pids[node, name] = pid
        return pid

    def start_node(self, node, daemons=DAEMONS, wrap=""):
        """The daemons in one go: a command costs the machine 15 ms."""
        self.configure(node)
        lines = []
        for name in daemons:
            log = f"{self.rack.dir}/{node}/{name}.log"
            w = wrap if name == "yoked" else ""
            lines.append(f"setsid {w}{BIN}/{name} -f -c {CONF} -n {node} "
                         f"</dev/null >>{log} 2>&1 & echo {name} $!")
        out = self.rack.run(node, "mkdir -p /var/lib/yoke\n" +
                            "\n".join(lines), timeout=15)
        for line in out.splitlines():
            name, pid = line.split()
            self.pids[node, name] = int(pid)

    def start(self, nodes=("d1", "d2")):
        if self.corosync:
            self.rack.each(lambda n: self.rack.start_corosync(n), nodes)
        for node in nodes:
            self.start_node(node)

    def kill(self, node, name, sig="KILL"):
        self.rack.run(node, f"kill -{sig} {self.pids[node, name]}")

    def log(self, node, name="yoked"):
        try:
            with open(f"{self.rack.dir}/{node}/{name}.log") as f:
                return f.read()
        except OSError:
            return ""

    def dump(self, tail=1500):
        """All that there is to look at when a test fails."""
        out = ""
        for n in self.rack.NODES:
            if self.rack.powered(n):
                out += f"{n}: {self.yoke(n, 'status', check=False)}"
            for name in DAEMONS:
                out += f"{n} {name}: {self.log(n, name)[-tail:]}\n"
        return out

    # -- questions -------------------------------------------------------

    def yoke(self, node, args, check=True, timeout=RUN_S):
        return self.rack.run(node, f"{BIN}/yoke -c {CONF} -n {node} {args}",
                             check=check, timeout=timeout)

    def status(self, node):
        """The status document, None while yoked does not answer."""
        out = self.yoke(node, "status --json", check=False)
        try:
            return json.loads(out)
        except ValueError:
            return None

    def role(self, node):
        s = self.status(node)
        return s["role"] if s else None

    def active(self):
        """The node that says it is active; None for none or two."""
        who = [n for n in self.rack.NODES
               if self.rack.powered(n) and self.role(n) == "active"]
        return who[0] if len(who) == 1 else None

    def settled(self):
        """(active, standby) when the standby is in step; else None."""
        s = {n: self.status(n) for n in self.rack.NODES}
        for a, b in (("d1", "d2"), ("d2", "d1")):
            if (s[a] and s[b] and s[a]["role"] == "active" and
                    s[b]["role"] == "standby" and s[a]["peer"]["in_step"] and
                    s[a]["checkpoint"]["ok"] and
                    s[a]["seq"] == s[b]["seq"]):
                return a, b
        return None

    def wait_settled(self, deadline=20):
        try:
            return wait_for(self.settled, deadline, "a settled pair")
        except TimeoutError:
            for n in self.rack.NODES:
                print(f"# {n}: {self.yoke(n, 'status', check=False)}")
                print(f"# {n} log: {self.log(n)[-1500:]}")
            raise

    def wait_role(self, node, role, deadline=5):
        return wait_for(lambda: self.role(node) == role, deadline,
                        f"{node} to be {role}")

    def table(self, node):
        """{service: {server: weight}} as yoke says."""
        return {s["name"]: {v["name"]: v["weight"] for v in s["servers"]}
                for s in self.status(node)["services"]}

    def kernel(self, node):
        """The kernel's own table, as text in a fixed order."""
        return sorted(self.rack.run(node, "ipvsadm -Sn").splitlines())


__all__ = ["Pair", "BIN", "CONF", "DAEMONS", "RunError"]
