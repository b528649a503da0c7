"""driver_rack: the rack as a place for drills (contrib/drills).

One rack for all drills of a process: two directors with yoke, a prober as the
client, vipwatch on both. Options (--set KEY=VALUE): interval, misses,
scheduler, rate, established, young, and what else Pair takes.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "contrib", "drills")]

from driver import DAEMONS, Driver, DriverError, Output     # noqa: E402
from pair import BIN, CONF, Pair                            # noqa: E402
from rack import Rack, RunError, wait_for                   # noqa: E402
from traffic import Traffic, Watch                          # noqa: E402

LOAD = {"rate": "200", "established": "20", "young": "20"}
CALM = {"interval": "50ms", "misses": "6"}  # others may work on this machine
OWN = "/run/store"      # each director's own storage, kept over a power cut


class RackLoad:
    """traffic.Traffic, its report in the words of load.py."""

    def __init__(self, rack, rate, established, young):
        # a real-time hog on a director can hold an answer up, not lose it
        self.traffic = Traffic(rack, rate=rate, established=established,
                               young_rate=young)

    def __enter__(self):
        self.traffic.__enter__()
        self.traffic.wait_ready()
        return self

    def __exit__(self, *exc):
        self.traffic.__exit__(*exc)

    def stop(self):
        r = self.traffic.stop()
        f, e = r["failed"], r["established"]
        failed = f["total"] - f["late"]     # late SYNs: this host's own noise
        hard = [s for s in r["spans"]] if failed else []
        return {"attempts": r["attempts"], "ok": r["ok"], "failed": failed,
                "late": f["late"], "kinds": {k: v for k, v in f.items()
                                             if v and k != "total"},
                "outage_ms": max((s["outage_ms"] for s in hard), default=0),
                "spans": hard, "established": e["total"],
                "reset": e["reset"], "hung": e["hung"],
                "stall_ms": e["max_stall_ms"],
                "prober_late_ms": r["late_ticks"]["max_ms"]}


class RackDriver(Driver):
    live = False
    yoke_bin = f"{BIN}/yoke"
    conf_file = CONF
    nodes = Rack.NODES

    def __init__(self, options):
        opt = {**CALM, **options}
        self.amount = [opt.pop(k, v) for k, v in LOAD.items()]
        self.rack = Rack().up()
        self.pair = Pair(self.rack, directory=OWN, checkpoint_interval="500ms",
                         **opt)
        self.cycle(self.nodes)
        self.watcher = Watch(self.rack, *self.conf.vips)
        for node in self.nodes:
            self.watcher.start(node)

    def close(self):
        self.rack.close()

    def cycle(self, nodes):
        """What a machine does when it was switched on."""
        self.rack.each(self.mount_store, nodes)
        self.pair.start(nodes)

    def mount_store(self, node):
        home = f"{self.rack.dir}/{node}/store"
        os.makedirs(home, exist_ok=True)
        self.rack.run(node, f"mkdir -p {OWN}; mountpoint -q {OWN} || "
                      f"mount --bind {home} {OWN}")

    # -- driver ----------------------------------------------------------

    def run(self, node, cmd, check=True, timeout=10, input=""):
        try:
            got = self.rack.run(node, cmd, timeout, check, input)
        except RunError as e:
            raise DriverError(str(e)) from None
        out = Output(got)
        out.returncode = got.returncode
        return out

    def node_arg(self, node):
        return f"-n {node} "

    def lacks(self, need):
        if need == "serial" and not self.serials():
            return "no serial path is configured"
        return None

    def serials(self):
        return self.conf.paths(self.nodes[0], "serial")

    def start(self, node, daemon):
        if self.pids(node, daemon):
            return
        if daemon == "corosync":
            self.rack.start_corosync(node)
        else:
            self.pair.start_daemon(node, daemon)

    def powered(self, node):
        return self.rack.powered(node)

    def power_cut(self, node):
        cut = self.rack.power_cut(node)
        if cut:
            self.watcher.killed(node, cut)

    def power_on(self, node):
        if self.powered(node):
            return
        self.rack.boot(node)
        self.watcher.start(node)
        self.cycle([node])

    def nic(self, node, device, up):
        self.rack.nic(node, device, up)

    def serial(self, up):
        self.rack.serial(up)

    def freeze(self, node, on=True):
        self.rack.freeze(node, on)

    def load(self):
        return RackLoad(self.rack, *self.amount)

    def holders(self, addr, t0, t1):
        return self.watcher.holders(t0, t1, addr)

    def rebuild(self):
        """Both through a power cut: nothing in a machine survives that."""
        for node in self.nodes:
            self.rack.freeze(node, False)
            self.power_cut(node)
        self.rack.serial(True)
        for node in self.nodes:
            for nic in ("eth0", "eth1"):
                self.rack.nic(node, nic, True)
        self.rack.each(self.rack.boot)
        for node in self.nodes:
            self.watcher.start(node)
        self.cycle(self.nodes)


def make(options):
    return RackDriver(options)
