"""bench_table3: P2's table 3 on the rack: three servers that loop 1e5, 1e7 and
1e8 times per request, started with equal weights, under yoke's response-time
policy; then the load moves to the other end. bench_weights.py table3 runs it.

The shares of the requests every 10 s beside the paper's, and how long it took
until each was within 2 points of where it ended. With gnuplot there,
DIR/weights-table3.png shows the weights; DIR/weights-table3.record is for
`yoke replay`.
"""
import collections
import os
import shutil
import socket
import subprocess
import threading
import time

import bench_noise
from pair import BIN, Pair
from rack import Rack, wait_for

PAPER = {0: (33, 33, 33), 10: (44, 33, 23), 20: (52, 35, 13), 30: (58, 34, 8),
         40: (67, 29, 4), 80: (64, 32, 4)}
SERVERS = 1                     # so much below the directors
LOOPS = {"rs1": 10**5, "rs2": 10**7, "rs3": 10**8}
SERVICE = """\
service web {{
	address = {vip}
	port = 80
	scheduler = wrr
	method = dr
	check loop {{ type = http  path = /  interval = 500ms  timeout = 3s
		rise = 1  fall = 3 }}
	policy {{ type = response-time  record = {record}  ratio = {ratio} }}
{servers}}}
"""


class WeightsPair(Pair):
    ratio = False

    def services(self):
        rows = "".join(f"\tserver {rs} {{ address = {a}  weight = 100 }}\n"
                       for rs, a in self.rack.RS.items())
        return SERVICE.format(vip=self.rack.VIP, servers=rows,
                              record=f"{self.rack.dir}/weights.record",
                              ratio="true" if self.ratio else "false")


class Load:
    """Clients: so many requests a second, whatever becomes of them."""

    def __init__(self, rack, rate, workers=48):
        self.rack, self.rate = rack, rate
        self.answers = []               # (when, server)
        self.failed, self.skipped, self.stop = 0, 0, False
        self.turn = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self.work, daemon=True)
                        for _ in range(workers)]
        self.threads.append(threading.Thread(target=self.clock, daemon=True))

    def __enter__(self):
        self.began = time.monotonic()
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.stop = True

    def clock(self):
        due = time.monotonic()
        while not self.stop:
            due += 1 / self.rate
            time.sleep(max(0, due - time.monotonic()))
            self.turn.release()

    def work(self):
        with self.rack.inside("client"):
            while not self.stop:
                if self.turn.acquire(timeout=0.5):
                    self.ask()

    def ask(self):
        began = time.monotonic()
        try:
            with socket.create_connection((self.rack.VIP, 80), 5) as s:
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                text = b""
                while piece := s.recv(4096):
                    text += piece
            self.answers.append((began - self.began,
                                 text.split(b"\r\n\r\n")[1].decode().strip()))
        except (OSError, IndexError):
            self.failed += 1

    def shares(self, t0, t1):
        n = collections.Counter(s for t, s in list(self.answers)
                                if t0 <= t < t1)
        total = sum(n.values()) or 1
        return tuple(round(100 * n[rs] / total, 1) for rs in LOOPS)


def set_loops(rack, loops):
    for rs, n in zip(LOOPS, loops):
        with open(f"{rack.dir}/{rs}/loops", "w") as f:
            f.write(f"{n}\n")


def start_loops(rack):
    """All alike: weights stay equal until it begins. The servers run above
    what else this machine does, else that is what is measured."""
    set_loops(rack, [LOOPS["rs2"]] * 3)
    for rs in LOOPS:
        rack.rs_stop(rs)
        p = rack.ns_popen(rs, [f"{BIN}/loopserver", "80", rs,
                               f"{rack.dir}/{rs}/loops"])
        if rack.rt:
            os.sched_setscheduler(p.pid, os.SCHED_RR,
                                  os.sched_param(max(1, rack.rt - SERVERS)))


def weights_of(pair, node):
    s = pair.status(node)["services"][0]
    w = {v["name"]: v["weight"] for v in s["servers"]}
    total = sum(w.values()) or 1
    return tuple(round(100 * w[rs] / total, 1) for rs in LOOPS)


class Watch:
    """Weights in percent, each second, as the active director has them."""

    def __init__(self, pair, node, load):
        self.pair, self.node, self.load, self.rows = pair, node, load, []

    def until(self, end):
        while time.monotonic() - self.load.began < end:
            t = time.monotonic() - self.load.began
            self.rows.append((round(t, 1), weights_of(self.pair, self.node)))
            time.sleep(max(0, 1 - (time.monotonic() - self.load.began - t)))

    def between(self, t0, t1):
        return [w for t, w in self.rows if t0 <= t < t1]

    def settled(self, t0, t1, end):
        """Seconds after t0 since when all are within 2 points of end."""
        late = t0
        for t, w in self.rows:
            if t0 <= t < t1 and any(abs(a - b) > 2 for a, b in zip(w, end)):
                late = t + 1
        return round(late - t0, 1)


def mean(rows):
    return tuple(round(sum(c) / len(c), 1) for c in zip(*rows))


def swing(rows):
    return max((max(c) - min(c) for c in zip(*rows)), default=0)


def plot(doc, out):
    data = f"{out}/weights-table3.dat"
    with open(data, "w") as f:
        for t, w in doc["weights"]:
            f.write(f"{t} {w[0]} {w[1]} {w[2]}\n")
    if not shutil.which("gnuplot"):
        return "no plot: gnuplot-nox is not installed"
    lines = ", ".join(f"'{data}' using 1:{i} with steps lw 2 title '{rs}'"
                      for i, rs in enumerate(LOOPS, 2))
    paper = ", ".join(
        f"'-' with points pt {i + 4} title 'P2 {rs}'"
        for i, rs in enumerate(LOOPS))
    points = "".join("".join(f"{t} {p[i]}\n" for t, p in PAPER.items()) + "e\n"
                     for i in range(3))
    png = f"{out}/weights-table3.png"
    subprocess.run(["gnuplot"], check=True, text=True, input=(
        f"set terminal png size 1000,500\nset output '{png}'\n"
        "set xlabel 'seconds'\nset ylabel 'share of the weights, %'\n"
        f"set yrange [0:100]\nplot {lines}, {paper}\n{points}"))
    return f"plot: {png}"


def takeover(pair, active, watch):
    """The other director's monitord goes on: does anything move? It joins only
    now: two directors take half of this machine."""
    other = "d2" if active == "d1" else "d1"
    pair.start([other])
    try:
        pair.wait_settled(60)
    except TimeoutError:
        return {"before_switch": None}
    before = weights_of(pair, active)
    pair.yoke(active, "switch")
    pair.wait_role(other, "active")
    watch.node = other
    t = time.monotonic() - watch.load.began
    watch.until(t + 15)
    rows = watch.between(t, t + 15)
    return {"before_switch": before, "after_switch": rows[-1],
            "switch_moved": round(max(abs(a - b) for w in rows
                                      for a, b in zip(w, before)), 1)}


def measure(rack, pair, args):
    active = "d1"
    with Load(rack, args.rate) as load:
        watch = Watch(pair, active, load)
        waited = bench_noise.waited_ms(rack, active)
        set_loops(rack, LOOPS.values())
        steady, moved = 30, 30 + args.steady
        watch.until(moved)
        set_loops(rack, reversed(LOOPS.values()))
        end = moved + 45
        watch.until(end)
        why = [pair.yoke(active, f"why web {rs}") for rs in LOOPS]
        waited = bench_noise.waited_ms(rack, active) - waited
        switched = takeover(pair, active, watch)
    first = mean(watch.between(steady, moved))
    then = mean(watch.between(end - 15, end))
    return {"rate": args.rate, "weights": watch.rows,
            "shares": [(t, load.shares(t, t + 10))
                       for t in range(0, int(end) - 5, 10)],
            "end": first, "settled_s": watch.settled(0, moved, first),
            "swing": round(swing(watch.between(steady, moved)), 1),
            "steady_s": args.steady, "moved_at": moved, "moved_end": then,
            "followed_s": watch.settled(moved, end, then),
            "answers": len(load.answers), "failed": load.failed,
            "no_cpu_percent": round(waited / end / 10, 1),
            "why": [str(w) for w in why], **switched}


def text(doc):
    out = ["requests served, % of three servers that loop 1e5 / 1e7 / 1e8",
           "   s    yoke                    P2, table 3"]
    for t, s in doc["shares"]:
        mark = "   <- the load moved" if t == doc["moved_at"] else ""
        paper = " / ".join(map(str, PAPER[t])) if t in PAPER else ""
        out.append(f"{t:4}    {s[0]:5} / {s[1]:5} / {s[2]:5}   {paper}{mark}")
    out += [f"weights: settled within 2 points of {doc['end']} after "
            f"{doc['settled_s']} s; swing {doc['swing']} points in "
            f"{doc['steady_s']} s; followed the load in {doc['followed_s']} s",
            f"the director's processes waited for a CPU "
            f"{doc['no_cpu_percent']} % of the time"]
    if doc["before_switch"] is None:
        out.append("yoke switch: the pair did not settle in a minute")
    else:
        out.append(f"yoke switch: weights {doc['before_switch']} before, "
                   f"{doc['after_switch']} 15 s after, moved at most "
                   f"{doc['switch_moved']} points")
    out.append(f"{doc['answers']} answers, {doc['failed']} failed")
    return [*out, *(w.rstrip() for w in doc["why"]),
            f"replay of the record: {doc['replay']}"]


def keep_record(rack, doc, out):
    """For yoke replay: the first active director's."""
    record = f"{rack.dir}/weights.record"
    if os.path.exists(record + ".1"):
        record += ".1"
    shutil.copy(record, f"{out}/weights-table3.record")
    run = subprocess.run([f"{BIN}/yoke", "replay", record],
                         capture_output=True, text=True)
    doc["replay"] = (run.stdout.splitlines() or [run.stderr])[-1]


def run(args):
    """args: steady (s), rate (requests/s), ratio, out (folder)."""
    with Rack(rt=bench_noise.DIRECTORS) as rack:
        pair = WeightsPair(rack, scheduler="wrr", interval="50ms", misses=6)
        pair.ratio = args.ratio
        start_loops(rack)
        pair.start(["d1"])
        try:
            wait_for(lambda: rack.fetch() in rack.RS, 20, "service")
            doc = measure(rack, pair, args)
            keep_record(rack, doc, args.out)
        except Exception:
            print(pair.dump())
            raise
    return {"what": "P2 table 3", **doc}
