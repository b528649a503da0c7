"""bench_ill: one of three equal servers becomes ill, or its agent lies: what each
policy makes of it. A row is one illness under one policy: 10 s well, then ill.

The servers are memserver (told by a file how ill it is), the agents small web
servers of this program: well ones say 30 % of the processor is used.
"""
import contextlib
import http.server
import threading
import time

import bench_noise
from bench_memory import PORT_AGENT, above
from pair import BIN, Pair
from rack import Rack, wait_for

ILL = "rs3"
HONEST = '{"load": {"cpu": 300}, "overloaded": false, "scale": 100}'
REQUEST = "100:0:100"   # no memory, 100 ms
CLIENTS = 30
WELL_S, ILL_S = 6, 20
LOAD = "cpu = 1  memory = 0"
# the page is asked for its time; that it fails hardly ever matters
MEASURED = "rise = 1  fall = 100  effect = 99"

SERVICE = """\
service web {{
	address = {vip}
	port = 80
	scheduler = wrr
	method = dr
	check page {{ type = http  path = "/hold?kb=0&ms=10"  status = 200
		interval = 500ms  timeout = 2s  {page} }}
	check alive {{ type = http  path = /health  interval = 500ms
		timeout = 1s  rise = 2  fall = 2 }}
	check load {{ type = agent  port = {port}  interval = 500ms
		timeout = 300ms }}
	policy {{ type = {type}  {keys} }}
{servers}}}
"""

# what is ill, policy's type, its keys, what becomes of the server or its agent
ROWS = (
    ("well", "both", "", {}),
    ("fails 20 %, its health check does not", "response-time", "",
     {"file": "fail 20"}),
    ("fails 20 %, a check of a real page with effect = 10", "response-time", "",
     {"file": "fail 20", "page": "rise = 10  fall = 1  effect = 10"}),
    ("ten times slower", "response-time", "", {"file": "slow 10"}),
    ("ten times slower, agents say nothing of it", "load", "",
     {"file": "slow 10"}),
    ("ten times slower", "both", "", {"file": "slow 10"}),
    ("flaps every 3 s", "response-time", "", {"flap": 3}),
    ("flaps every 3 s, no slow start", "response-time", "slow_start = 0s",
     {"flap": 3}),
    ("agent always says idle", "load", "",
     {"agent": HONEST.replace("300", "0")}),
    ("agent always says idle", "both", "", {"agent": HONEST.replace("300", "0")}),
    ("agent always says full", "load", "",
     {"agent": HONEST.replace("300", "1000")}),
    ("agent says 6000 %", "load", "", {"agent": HONEST.replace("300", "60000")}),
    ("agent talks nonsense", "load", "", {"agent": "<html>it works!</html>"}),
    ("agent says overloaded", "load", "",
     {"agent": HONEST.replace("false", "true")}),
    ("agents of all say overloaded", "load", "",
     {"agents": HONEST.replace("false", "true")}),
    ("agent is silent", "load", "", {"agent": None}),
)


class IllPair(Pair):
    row = ROWS[0]

    def services(self):
        _, kind, keys, ill = self.row
        rows = "".join(f"\tserver {rs} {{ address = {a}  weight = 100 }}\n"
                       for rs, a in self.rack.RS.items())
        return SERVICE.format(
            vip=self.rack.VIP, port=PORT_AGENT, type=kind,
            keys=keys if kind == "response-time" else f"{LOAD} {keys}",
            page=ill.get("page", MEASURED), servers=rows)

    def change(self, row):
        self.row = row
        self.configure("d1")
        self.yoke("d1", "reload")


class Agent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        says = self.server.says
        if says is None:        # silent
            time.sleep(1)
            return
        with contextlib.suppress(OSError):      # who asked may have gone
            self.send_response(200)
            self.end_headers()
            self.wfile.write(says.encode())

    def log_message(self, *args):
        pass


def start_agent(rack, rs):
    with rack.inside(rs):
        server = http.server.ThreadingHTTPServer((rack.RS[rs], PORT_AGENT),
                                                 Agent)
    server.says, server.daemon_threads = HONEST, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Illness:
    """What a row does to the server while it is entered."""

    def __init__(self, rack, agents, ill):
        self.rack, self.agents, self.ill = rack, agents, ill
        self.well = threading.Event()

    def write(self, text):
        with open(f"{self.rack.dir}/{ILL}/ill", "w") as f:
            f.write(text)

    def flap(self):
        down = False
        while not self.well.wait(self.ill["flap"]):
            down = not down
            self.write("down" if down else "")

    def __enter__(self):
        self.write(self.ill.get("file", ""))
        if "agent" in self.ill:
            self.agents[ILL].says = self.ill["agent"]
        for a in self.agents.values() if "agents" in self.ill else ():
            a.says = self.ill["agents"]
        self.thread = threading.Thread(target=self.flap, daemon=True)
        if "flap" in self.ill:
            self.thread.start()

    def __exit__(self, *exc):
        self.well.set()
        if "flap" in self.ill:
            self.thread.join()
        self.write("")
        for a in self.agents.values():
            a.says = HONEST


def share(pair):
    """(weight of the ill one in percent of all, is it up, its cause)."""
    servers = pair.status("d1")["services"][0]["servers"]
    up = {v["name"]: v["weight"] for v in servers if v["health"] != "down"}
    why = next(v["policy_cause"] or v["cause"] for v in servers
               if v["name"] == ILL)
    return 100 * up.get(ILL, 0) / max(1, sum(up.values())), why


def asked(rows, t0, t1):
    """What clients saw from t0 to t1: the ill one's part, failed, ms."""
    rows = [r for r in rows if t0 <= r[0] < t1]
    n = max(1, len(rows))
    return {"requests_percent": round(100 * sum(r[3] == ILL for r in rows) / n, 1),
            "failed_percent": round(
                100 * sum(r[2] != "well" for r in rows) / n, 1),
            "mean_ms": round(sum(r[1] for r in rows) / n)}


def watch(pair, seconds):
    """[(s, share, why)] each second."""
    began, rows = time.monotonic(), []
    while (t := time.monotonic() - began) < seconds:
        rows.append((round(t, 1), *share(pair)))
        time.sleep(max(0, 1 - (time.monotonic() - began - t)))
    return rows


def run_load(rack, seconds, out):
    argv = above(rack, [f"{BIN}/memload", rack.VIP, "80", str(CLIENTS),
                        str(seconds), "1", REQUEST], 1)
    text = rack.ns("client", argv, timeout=seconds + 60)
    out += [(int(w[0]) / 1000, int(w[1]), w[2], w[3])
            for w in map(str.split, text.splitlines()) if len(w) == 4]


def one_row(rack, pair, agents, row):
    what, kind, keys, ill = row
    pair.change(row)
    wait_for(lambda: share(pair)[0] > 30, 60, "equal shares")
    answers, waited = [], bench_noise.waited_ms(rack, "d1")
    load = threading.Thread(target=run_load, args=(
        rack, WELL_S + ILL_S, answers), daemon=True)
    load.start()
    before = watch(pair, WELL_S)
    with Illness(rack, agents, ill):
        during = watch(pair, ILL_S)
    load.join()
    late = [r[1] for r in during[-8:]]
    waited = bench_noise.waited_ms(rack, "d1") - waited
    return {"what": what, "policy": kind, "keys": keys,
            "before": round(before[-1][1], 1),
            "after_10s": round(during[min(10, len(during) - 1)][1], 1),
            "end": round(sum(late) / len(late), 1),
            "end_most": round(max(late), 1),
            "why": during[-1][2], "shares": during,
            "no_cpu_percent": round(waited / (WELL_S + ILL_S) / 10),
            **asked(answers, WELL_S + 8, WELL_S + ILL_S)}


def measure(only=None):
    with contextlib.ExitStack() as stack:
        rack = stack.enter_context(Rack(rt=bench_noise.DIRECTORS))
        pair = IllPair(rack, interval="100ms", misses=10, corosync=False)
        agents = {}
        for rs in rack.RS:
            rack.rs_stop(rs)
            rack.ns_popen(rs, above(rack, [
                f"{BIN}/memserver", "80", rs, f"{rack.dir}/{rs}/ill"]))
            agents[rs] = start_agent(rack, rs)
        pair.start(["d1"])
        try:
            pair.wait_role("d1", "active", 20)
            wait_for(lambda: rack.fetch() in rack.RS, 20, "service")
            rack.run("d1", "ipvsadm --set 900 2 300")
            rows = []
            for i, row in enumerate(ROWS):
                if only and i not in only:
                    continue
                rows.append({"row": i, **one_row(rack, pair, agents, row)})
                print("#", {k: v for k, v in rows[-1].items()
                            if k != "shares"}, flush=True)
            return rows
        except Exception:
            print(pair.dump())
            raise


HEAD = ("what is ill with one of three equal servers", "policy", "share", "10 s",
        "end", "failed", "mean ms")


def table(rows):
    out = [f"{HEAD[0]:52} {HEAD[1]:13} {HEAD[2]:>6} {HEAD[3]:>5} {HEAD[4]:>5} "
           f"{HEAD[5]:>7} {HEAD[6]:>7}"]
    for r in rows:
        out.append(f"{r['what']:52} {r['policy']:13} {r['before']:6.1f} "
                   f"{r['after_10s']:5.1f} {r['end']:5.1f} "
                   f"{r['failed_percent']:6.1f}% {r['mean_ms']:7}")
    return out

