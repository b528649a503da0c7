"""driver_rack: the rack as a place for drills (contrib/drills).

One rack for all drills of a process: two directors with yoke, a prober as the
client, vipwatch on both. Options (--set KEY=VALUE): interval, misses,
scheduler, rate, established, young, serial (its speed, 0: none), and what else Pair takes.
"""
import csv
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "contrib", "drills")]

from driver import DAEMONS, Driver, DriverError, Output     # noqa: E402
from pair import BIN, CONF, Pair                            # noqa: E402
from rack import Rack, RunError, wait_for                   # noqa: E402
from traffic import Traffic, Watch                          # noqa: E402

TIMEOUT_MS, AWAY_MS, APART_MS = 1000, 100, 250
FINE = ("ok", "late", "local", "unfinished")
LOAD = {"rate": "200", "established": "20", "young": "20"}
# faster than the peer's silence is judged: who is cut off lets go before the
# other one takes over
UPLINK = ("uplink { witness = { 10.77.0.11, 10.77.0.12 }\n"
          "interval = 50ms  misses = 3 }")
SERIAL = 115200     # --set serial=0: the drills that must have no line
CALM = {"interval": "50ms", "misses": "6"}  # others may work on this machine
STORE_BYTES = 8 << 20
OWN = "/run/store"      # each director's own storage, kept over a power cut
CONSOLE_LINES = 30      # of a machine that died


class RackLoad:
    """traffic.Traffic, its report in the words of load.py. This machine's own
    noise is told apart: SYNs that were answered late, and what timed out while
    the prober itself was kept from running."""

    def __init__(self, rack, rate, established, young):
        self.csv = f"{rack.dir}/attempts.csv"
        self.traffic = Traffic(rack, rate=rate, established=established,
                               young_rate=young,
                               extra=("--timeseries", self.csv))

    def __enter__(self):
        self.traffic.__enter__()
        self.traffic.wait_ready()
        return self

    def __exit__(self, *exc):
        self.traffic.__exit__(*exc)

    def failures(self):
        with open(self.csv) as f:
            return blame([(float(r["t_ms"]), r["outcome"])
                          for r in csv.DictReader(f)])

    def stop(self):
        r = self.traffic.stop()
        e = r["established"]
        real, noise = self.failures()
        return {"attempts": r["attempts"], "ok": r["ok"], "failed": len(real),
                "noise": noise, "kinds": {k: v for k, v in r["failed"].items()
                                          if v and k != "total"},
                **outages(real), "established": e["total"],
                "reset": e["reset"], "hung": e["hung"],
                "young_reset": e["young_reset"],
                "stall_ms": e["max_stall_ms"],
                "prober_late_ms": r["late_ticks"]["max_ms"]}


def blame(rows):
    """(ms of those that failed, how many more were the prober's own doing:
    away for half of their second or more, it could not see the answer), of
    [(ms, outcome)]."""
    times = [t for t, _ in rows]
    away = [(x, y) for x, y in zip(times, times[1:]) if y - x > AWAY_MS]

    def blind(t):
        return sum(max(0, min(y, t + TIMEOUT_MS) - max(x, t))
                   for x, y in away) >= TIMEOUT_MS / 2
    bad = [(t, what) for t, what in rows if what not in FINE]
    real = [t for t, what in bad if what != "timeout" or not blind(t)]
    return real, len(bad) - len(real)


def outages(times):
    """Failing ones that are less than APART_MS apart are one outage."""
    spans = []
    for t in times:
        if spans and t - spans[-1]["to"] < APART_MS:
            spans[-1]["to"] = t
            spans[-1]["failed"] += 1
        else:
            spans.append({"at_ms": round(t, 1), "to": t, "failed": 1})
    for s in spans:
        s["outage_ms"] = round(s.pop("to") - s["at_ms"], 1) + 1
    return {"spans": spans,
            "outage_ms": max((s["outage_ms"] for s in spans), default=0)}


class RackDriver(Driver):
    live = False
    yoke_bin = f"{BIN}/yoke"
    conf_file = CONF
    nodes = Rack.NODES

    def __init__(self, options):
        opt = {**CALM, "extra": UPLINK, **options}
        opt["serial"] = int(opt.get("serial", SERIAL))
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
        self.rack.each(self.prepare, nodes)
        self.pair.start(nodes)

    def prepare(self, node):
        self.mount_store(node)

    def mount_store(self, node):
        """A file system of its own, so that it can be full and stall."""
        image = f"{self.rack.dir}/{node}/store.img"
        if not os.path.exists(image):
            with open(image, "wb") as f:
                f.truncate(STORE_BYTES)
            subprocess.run(["mkfs.ext4", "-qF", image], check=True)
        self.rack.run(node, f"mkdir -p {OWN}; modprobe -d /run loop; "
                      f"mountpoint -q {OWN} || "
                      f"mount -o loop,noatime {image} {OWN}")

    # -- driver ----------------------------------------------------------

    def run(self, node, cmd, check=True, timeout=10, input=""):
        try:
            got = self.rack.run(node, cmd, timeout, check, input)
        except RunError as e:
            raise DriverError(str(e)) from None
        out = Output(got)
        out.returncode = got.returncode
        return out

    def yoke_words(self, node):
        return super().yoke_words(node) + f"-n {node} "

    def lacks(self, need):
        if need == "serial" and not self.serials():
            return "no serial path is configured"
        if need == "no-serial" and self.serials():
            return "the serial line goes on"
        if need == "uplink" and not self.uplink():
            return "the uplink is not watched"
        return None

    def uplink(self):
        return "uplink" in (self.status(self.nodes[0]) or {})

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

    def start_old(self, node):
        """yoked as it was before the protocol changed."""
        self.run(node, "mkdir -p /run/old; "
                 f"ln -sf {BIN}/yoked-old /run/old/yoked")
        self.rack.spawn(node, f"exec /run/old/yoked -f -c {CONF} -n {node}",
                        log=f"{self.rack.dir}/{node}/yoked.log")

    def serial(self, up):
        self.rack.serial(up)

    def freeze(self, node, on=True):
        self.rack.freeze(node, on)

    def load(self):
        return RackLoad(self.rack, *self.amount)

    def holders(self, addr, t0, t1):
        return self.watcher.holders(t0, t1, addr)

    def tell_dead(self, node):
        """What a machine that ended by itself said last: User Mode Linux's own
        death is no fault of who ran there."""
        if self.powered(node):
            return
        with open(f"{self.rack.dir}/{node}/console.log",
                  errors="replace") as f:
            for line in f.read().splitlines()[-CONSOLE_LINES:]:
                print(f"  {node}, now off: {line}", file=sys.stderr)

    def rebuild(self):
        """Both through a power cut: nothing in a machine survives that."""
        for node in self.nodes:
            self.tell_dead(node)
            if self.powered(node):
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
