"""traffic: a client's load through the VIP, and what became of it.

    with Traffic(rack, established=50) as t:
        t.wait_ready()
        t.mark(); rack.power_cut("d1")
    print(t.report["outage_ms"])
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

from uml import HERE, REPO, wait_for

# Between two requests on a connection. At 20-50 ms the packets alone (10 000 a
# second) took 70 % of a director's CPU: what was measured was that.
BUSY_MS = "80-160"
# Enough to see a connection lost. 500 new ones a second keep a director so busy
# that a command takes two seconds there.
LIGHT = dict(rate=150, established=50, young_rate=20)
BIN = os.environ.get("YOKE_BIN", f"{REPO}/build/bin")


class Traffic:
    def __init__(self, rack, target=None, rate=500, established=50,
                 young_rate=50, hung_ms=5000, extra=()):
        self.rack = rack
        self.dir = f"{rack.dir}/traffic-{time.monotonic_ns()}"
        self.argv = [f"{BIN}/prober", "--target", target or f"{rack.VIP}:80",
                     "--rate", str(rate), "--established", str(established),
                     "--young-rate", str(young_rate),
                     "--hung-ms", str(hung_ms), "--busy-ms", BUSY_MS,
                     "--json", f"{self.dir}/report.json",
                     "--ready", f"{self.dir}/ready", *extra]
        self.proc, self.report = None, None

    def __enter__(self):
        os.makedirs(self.dir)
        # above directors and servers: what is measured is them
        argv = (["chrt", "-r", str(self.rack.rt + 2)] if self.rack.rt
                else []) + self.argv
        with open(f"{self.dir}/err", "wb") as err:
            self.proc = self.rack.ns_popen("client", argv, stderr=err,
                                           stdin=subprocess.DEVNULL)
        return self

    def wait_ready(self, deadline=10):
        def ready():
            if self.proc.poll() is not None:
                with open(f"{self.dir}/err") as f:
                    raise RuntimeError(f"prober died: {f.read()}")
            return os.path.exists(f"{self.dir}/ready")
        wait_for(ready, deadline, "established connections")

    def mark(self):
        self.proc.send_signal(signal.SIGUSR1)

    def stop(self):
        """Ends the load in good order; the report, a dict."""
        if self.report is None:
            self.proc.send_signal(signal.SIGTERM)
            code = self.proc.wait(timeout=30)
            if not os.path.exists(f"{self.dir}/report.json"):
                with open(f"{self.dir}/err") as f:
                    raise RuntimeError(f"the prober ended with {code} and no "
                                       f"report: {f.read()}")
            with open(f"{self.dir}/report.json") as f:
                self.report = json.load(f)
        return self.report

    def __exit__(self, kind, *rest):
        if kind is None:
            self.stop()
        elif self.proc.poll() is None:
            self.proc.kill()


class Watch:
    """Who holds the VIP (or other addresses), from the directors' own
    kernels, by the host's clock: a director's, set when it boots, may be off by
    more than half a second on a busy machine."""

    SEEN_MS = 20    # it may be that late in seeing what its kernel did

    def __init__(self, rack, *addrs):
        self.rack, self.addrs = rack, addrs or (rack.VIP,)
        self.kills, self.t0 = [], time.time()
        self.late = f"{rack.dir}/late-{time.monotonic_ns()}"
        above = ["chrt", "-r", str(rack.rt + 2)] if rack.rt else []
        rack.popens.append(subprocess.Popen(
            [*above, sys.executable, f"{HERE}/late.py", self.late],
            stdin=subprocess.PIPE, start_new_session=True))
        self.logs = {}      # {node: [(path, its clock ahead, usec)]}

    def start(self, node):
        path = f"{self.rack.dir}/{node}/vip-{time.monotonic_ns()}.log"
        ahead = int(self.rack.clock_ahead(node) * 1e6)
        self.logs.setdefault(node, []).append((path, ahead))
        self.rack.spawn(node, f"exec chrt -f 60 {BIN}/vipwatch --dev any "
                        f"--log {path} "
                        + " ".join(self.addrs))
        wait_for(lambda: os.path.exists(path), 5, f"vipwatch on {node}")
        if len(self.logs[node]) == 1:
            self.t0 = time.time()       # nobody watched before

    def seen_ms(self):
        """What a time that it saw may be off on this machine: the directors
        were as late as the worst that befell a process above them."""
        with open(self.late) as f:
            return self.SEEN_MS + float(f.read())

    def ahead(self, node):
        """Seconds that its clock was ahead when its watch was started."""
        return self.logs[node][-1][1] / 1e6

    def killed(self, node, cut):
        self.kills.append((node, int(cut.realtime * 1e6)))

    def holders(self, t0=None, t1=None, addr=None):
        """holders.py's dict; times in seconds since 1970."""
        sys.path.insert(0, f"{REPO}/contrib/drills")
        from holders import holders
        logs = {}
        for node, parts in self.logs.items():
            whole = f"{self.rack.dir}/{node}/vip.log"
            with open(whole, "wb") as out:
                for part in parts:
                    out.write(by_host_clock(*part))
            logs[node] = whole
        return holders(logs, self.kills, addr or self.addrs[0],
                       int((t0 or self.t0) * 1e6),
                       int((t1 or time.time()) * 1e6))


def by_host_clock(path, ahead):
    """What vipwatch wrote, its times set right."""
    with open(path, "rb") as f:
        return re.sub(rb"(?m)^\d+(?= )",
                      lambda m: b"%d" % (int(m[0]) - ahead), f.read())
