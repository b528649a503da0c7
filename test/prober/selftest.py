#!/usr/bin/env python3
"""Proves the numbers of prober, vipwatch, holders.py and beatblast against
outages made on purpose: two network namespaces joined by a veth pair, a small
HTTP server in one and the prober in the other. Prints TAP; needs root.

    test/prober/selftest.py [BIN]      BIN: where the programs are, build/bin
"""
import atexit
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "..", "contrib", "drills"))

CLIENT, SERVER = f"ypc{os.getpid()}", f"yps{os.getpid()}"
C4, S4, S6 = "10.77.0.1", "10.77.0.2", "fd77::2"
TESTS = [0, 0]  # run, failed
children = []


# ---- the server: SIGUSR1 resets every connection, SIGUSR2 stops listening and
# the next one listens again; SIGSTOP makes it hang

class Server:
    ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
              b"Connection: %s\r\n\r\nrs1\n")

    def __init__(self):
        self.sel = selectors.DefaultSelector()
        self.conns = {}
        self.todo = []
        self.listener = None
        self.wake, wake_w = os.pipe()
        os.set_blocking(wake_w, False)
        signal.set_wakeup_fd(wake_w)
        signal.signal(signal.SIGUSR1, lambda *a: self.todo.append(self.reset))
        signal.signal(signal.SIGUSR2, lambda *a: self.todo.append(self.toggle))
        self.sel.register(self.wake, selectors.EVENT_READ)
        self.toggle()

    def toggle(self):
        if self.listener:
            self.sel.unregister(self.listener)
            self.listener.close()
            self.listener = None
            return
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", 80))
        s.listen(4096)
        s.setblocking(False)
        self.listener = s
        self.sel.register(s, selectors.EVENT_READ)

    def drop(self, c):
        self.sel.unregister(c)
        del self.conns[c]
        c.close()

    def reset(self):
        for c in list(self.conns):
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            self.drop(c)

    def accept(self):
        try:
            while True:
                c, _ = self.listener.accept()
                c.setblocking(False)
                self.conns[c] = b""
                self.sel.register(c, selectors.EVENT_READ)
        except BlockingIOError:
            pass

    def serve(self, c):
        try:
            data = c.recv(4096)
        except OSError:
            data = b""
        if not data:
            self.drop(c)
            return
        self.conns[c] += data
        if not self.conns[c].endswith(b"\r\n\r\n"):
            return
        last = b"Connection: close" in self.conns[c]
        self.conns[c] = b""
        try:
            c.send(self.ANSWER % (b"close" if last else b"keep-alive"))
        except OSError:
            last = True
        if last:
            self.drop(c)

    def run(self):
        print("listening", flush=True)
        while True:
            for key, _ in self.sel.select():
                if key.fd == self.wake:
                    os.read(self.wake, 64)
                elif key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj in self.conns:
                    self.serve(key.fileobj)
            while self.todo:
                self.todo.pop(0)()


# ---- the bed

def ok(cond, what, seen=None):
    TESTS[0] += 1
    TESTS[1] += not cond
    print(f"{'' if cond else 'not '}ok {TESTS[0]} - {what}", flush=True)
    if not cond and seen is not None:
        print(f"# {json.dumps(seen, default=str)}")
    return cond


def ip(*args):
    subprocess.run(("ip",) + args, check=True)


def spawn(ns, *argv, **kw):
    p = subprocess.Popen(("ip", "netns", "exec", ns) + argv, text=True, **kw)
    children.append(p)
    return p


def wait_for(cond, what, limit=5.0):
    end = time.monotonic() + limit
    while not cond():
        if time.monotonic() > end:
            raise RuntimeError(f"timed out: {what}")
        time.sleep(0.005)


def clean():
    for p in children:
        if p.poll() is None:
            p.send_signal(signal.SIGCONT)
            p.kill()
        p.wait()
    for ns in (CLIENT, SERVER):
        subprocess.run(("ip", "netns", "del", ns), stderr=subprocess.DEVNULL)


def build():
    ip("netns", "add", CLIENT)
    ip("netns", "add", SERVER)
    ip("-n", CLIENT, "link", "add", "v0", "type", "veth", "peer", "name", "v0",
       "netns", SERVER)
    for ns, a in ((CLIENT, 1), (SERVER, 2)):
        ip("-n", ns, "addr", "add", f"10.77.0.{a}/24", "dev", "v0")
        ip("-n", ns, "addr", "add", f"fd77::{a}/64", "dev", "v0", "nodad")
        ip("-n", ns, "link", "set", "v0", "up")
        ip("-n", ns, "link", "set", "lo", "up")
    server = spawn(SERVER, sys.executable, os.path.abspath(__file__),
                   "--serve", stdout=subprocess.PIPE)
    server.stdout.readline()
    for a in (S4, S6):  # IPv6 takes a second or two after the link is up
        wait_for(lambda addr=a: reaches(addr), f"{a} answers")
    return server


def reaches(addr):
    connect = (f"import socket; "
               f"socket.create_connection(('{addr}', 80), 0.2).close()")
    return spawn(CLIENT, sys.executable, "-c", connect,
                 stderr=subprocess.DEVNULL).wait() == 0


class Probe:
    """A prober that is ready: all its old connections have answered."""

    def __init__(self, target=f"{S4}:80", **opts):
        self.dir = tempfile.TemporaryDirectory()
        ready = f"{self.dir.name}/ready"
        opts = {"rate": 200, "established": 10, "young_rate": 20,
                "timeseries": f"{self.dir.name}/t.csv", **opts}
        argv = [f"{BIN}/prober", "--target", target, "--ready", ready]
        for k, v in opts.items():
            argv += [f"--{k.replace('_', '-')}", str(v)]
        self.p = spawn(CLIENT, *argv, stdout=subprocess.PIPE)
        wait_for(lambda: os.path.exists(ready), "prober ready")
        self.t0 = time.monotonic()

    def until(self, sec):
        """Lets it run until it is sec old."""
        time.sleep(max(0, self.t0 + sec - time.monotonic()))
        return self

    def mark(self):
        self.p.send_signal(signal.SIGUSR1)

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        out, _ = self.p.communicate(timeout=10)
        with open(f"{self.dir.name}/t.csv", encoding="ascii") as f:
            self.csv = f.readlines()
        return json.loads(out)


def cut(on):
    """The server's answers and the client's packets vanish silently."""
    ip("-n", SERVER, "route", "add" if on else "del", "blackhole", C4)


# ---- the tests

def test_quiet(_):
    for target in (f"{S4}:80", f"[{S6}]:80"):
        p = Probe(target).until(0.5)
        r = p.end()
        e = r["established"]
        ok(r["ok"] == r["attempts"] > 50 and r["failed"]["total"] == 0 and
           r["outage_ms"] == 0 and r["spans"] == [], f"{target} no outage", r)
        ok(e["kept"] == e["total"] > 15 and e["reset"] == e["hung"] == 0,
           "all connections kept", e)
        ok(r["servers"] == {"rs1": r["ok"]}, "the server is told by its body")
        ok(len(p.csv) == r["attempts"] + 1, "a line of CSV per attempt")


def test_cut(_):
    for want in (0.05, 0.3):
        p = Probe().until(0.6)
        p.mark()
        t = time.monotonic()
        cut(True)
        time.sleep(want)
        cut(False)
        real = (time.monotonic() - t) * 1000
        r = p.until(1.4).end()
        e = r["established"]
        fails = r["failed"]
        what = f"{real:.0f} ms without packets"
        ok(0.5 * want * 1000 <= r["outage_ms"] <= 1.5 * real + 30,
           f"{what}: outage_ms {r['outage_ms']:.0f}", r)
        ok(r["outage_min_ms"] <= r["outage_ms"] <= r["outage_max_ms"] + 10,
           f"{what}: between outage_min_ms and outage_max_ms", r)
        ok(0.5 * want * 1000 <= r["outage_from_mark_ms"] <= 3 * real,
           f"{what}: outage_from_mark_ms {r['outage_from_mark_ms']:.0f}", r)
        ok(fails["late"] + fails["timeout"] == fails["total"] > 0,
           f"{what}: lost SYNs are late or time out", fails)
        ok(e["kept"] == e["total"] and e["reset"] == 0 and
           e["max_stall_ms"] >= 0.5 * want * 1000,
           f"{what}: connections stall and live on", e)
        ok(e["stall_before_ms"] < 0.5 * want * 1000 <= e["old_stall_ms"] and
           max(e["old_stall_ms"], e["young_stall_ms"],
               e["stall_before_ms"]) == e["max_stall_ms"],
           f"{what}: the stall is after the mark", e)
        ok((e["young_total"] >= 2 or r["late_ticks"]["young_skipped"] > 0) and
           e["young_total"] <= 15, f"{what}: young ones at the mark", e)
        ok(r["longest_gap_ms"] >= 0.5 * want * 1000, f"{what}: the gap", r)


def test_dead(_):
    p = Probe(timeout_ms=300, hung_ms=700).until(0.3)
    p.mark()
    cut(True)
    r = p.until(0.7).end()
    cut(False)
    e = r["established"]
    ok(r["outage_from_mark_ms"] is None and r["first_ok_after_ms"] is None and
       r["mark_ms"] > 0, "an outage without end has no end", r)
    ok(e["hung"] >= 10 and e["hung"] + e["kept"] == e["total"],
       "nobody answers: hung", e)


def test_reset(server):
    p = Probe().until(0.8)
    server.send_signal(signal.SIGUSR1)
    r = p.until(1.1).end()
    e = r["established"]
    ok(e["reset"] >= 10 and e["hung"] == 0 and
       e["reset"] + e["kept"] == e["total"], "RST counts as reset", e)
    ok(0 < e["young_reset"] < e["reset"] == len(e["reset_ages_ms"]) ==
       sum(e["reset_ages"].values()), "young ones are told from old ones", e)
    ok(400 < max(e["reset_ages_ms"]) < 1500, "ages at the reset", e)
    ok(r["outage_ms"] < 100, "new connections go on", r)


def test_refused(server):
    p = Probe(young_rate=0).until(0.2)
    server.send_signal(signal.SIGUSR2)
    time.sleep(0.2)
    server.send_signal(signal.SIGUSR2)
    r = p.until(0.7).end()
    f = r["failed"]
    ok(f["refused"] > 0 and f["refused"] + f["reset"] == f["total"],
       "no listener: refused", f)
    ok(100 <= r["outage_ms"] <= 600, f"outage_ms {r['outage_ms']:.0f}", r)
    ok(r["established"]["kept"] == r["established"]["total"],
       "accepted connections stay", r["established"])


def test_hung(server):
    p = Probe(hung_ms=400, timeout_ms=300).until(0.2)
    server.send_signal(signal.SIGSTOP)
    time.sleep(0.6)
    server.send_signal(signal.SIGCONT)
    r = p.until(1.1).end()
    e = r["established"]
    ok(e["hung"] >= 10 and e["max_stall_ms"] >= 390, "server stopped: hung", e)
    ok(r["failed"]["timeout"] > 0, "and new connections time out",
       r["failed"])


def test_usage(_):
    for argv in ((), ("--target", "10.0.0.1"), ("--target", "1.2.3.4:99999"),
                 ("--target", "1.2.3.4:5", "--rate", "x"), ("--nonsense",)):
        r = subprocess.run([f"{BIN}/prober", *argv], capture_output=True,
                           check=False)
        ok(r.returncode == 2 and r.stderr and not r.stdout,
           f"usage error: {' '.join(argv) or 'nothing'}", r.stderr)


def test_vipwatch(_):
    from holders import holders
    vip = "10.77.0.100"
    with tempfile.TemporaryDirectory() as tmp:
        logs = {"d1": f"{tmp}/d1", "d2": f"{tmp}/d2"}
        for ns, log in ((CLIENT, logs["d1"]), (SERVER, logs["d2"])):
            spawn(ns, f"{BIN}/vipwatch", "--dev", "any", "--log", log,
                  "--alive", "--sample-ms", "5", vip, "fd77::100")
        for log in logs.values():
            wait_for(lambda f=log: os.path.exists(f) and " alive" in
                     open(f, encoding="ascii").read(), "vipwatch runs")
        ip("-n", CLIENT, "addr", "add", f"{vip}/32", "dev", "v0")
        time.sleep(0.1)
        ip("-n", SERVER, "addr", "add", f"{vip}/32", "dev", "v0")
        time.sleep(0.05)
        ip("-n", CLIENT, "addr", "del", f"{vip}/32", "dev", "v0")
        ip("-n", SERVER, "addr", "change", f"{vip}/32", "dev", "v0",
           "valid_lft", "60", "preferred_lft", "60")
        time.sleep(0.1)
        killed = time.time_ns() // 1000
        time.sleep(0.1)
        ip("-n", CLIENT, "addr", "add", f"{vip}/32", "dev", "v0")
        time.sleep(0.05)
        log = open(logs["d2"], encoding="ascii").read()
        ok(log.count(" add ") == 1 and " del " not in log,
           "a renewed lifetime is no event", log)
        r = holders(logs, {"d2": [killed]}, vip)
        who = [s["holders"] for s in r["segments"]]
        ok(who == [[], ["d1"], ["d1", "d2"], ["d2"], [], ["d1"]],
           "who held the VIP", r)
        ok(25 <= r["longest_overlap_ms"] <= 150 and
           50 <= r["longest_gap_ms"] <= 300 and r["at_end"] == ["d1"],
           "overlap, gap, end", r)
        ok(abs(r["grid"]["longest_overlap_ms"] - r["longest_overlap_ms"]) <= 5,
           "the grid agrees", r["grid"])
        ip("-n", CLIENT, "addr", "del", f"{vip}/32", "dev", "v0")
        ip("-n", SERVER, "addr", "del", f"{vip}/32", "dev", "v0")


def records(path):
    with open(path, "rb") as f:
        data = f.read()
    out = []
    while data:
        n = struct.unpack(">H", data[:2])[0]
        out.append(data[2:2 + n])
        data = data[2 + n:]
    return out


def record(path, *runs):
    """What arrives at port 4000 of the server while beatblast runs: a list of
    datagrams for each run."""
    rec = spawn(SERVER, f"{BIN}/beatblast", "--record", path, "--iface", "v0",
                "--port", "4000", "--seconds", "1", stdout=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(path), "recording")
    sent = []
    for argv in runs:
        p = spawn(CLIENT, f"{BIN}/beatblast", "--to", f"{S4}:4000", *argv,
                  stdout=subprocess.PIPE)
        out, _ = p.communicate(timeout=5)
        sent.append(json.loads(out)["sent"])
    rec.wait(timeout=5)
    got = records(path)
    return [[got.pop(0) for _ in range(min(n, len(got)))] for n in sent]


def test_beatblast(_):
    with tempfile.TemporaryDirectory() as tmp:
        valid = [bytes([i] * (20 + i)) for i in range(8)]
        with open(f"{tmp}/valid", "wb") as f:
            for v in valid:
                f.write(struct.pack(">H", len(v)) + v)
        cap = ("--capture", f"{tmp}/valid")
        noise = ("--mode", "random", "--rate", "500", "--count")
        replay, flip, trunc, a, b = record(
            f"{tmp}/got", ("--mode", "replay", "--count", "16", *cap),
            ("--mode", "flip", "--count", "200", "--from", "10.77.0.55", *cap),
            ("--mode", "truncate", "--count", "100", *cap),
            (*noise, "20", "--seed", "5"), (*noise, "20", "--seed", "6"))
        lengths = {len(v) for v in valid}
    ok(replay == valid * 2, "replay", replay)
    ok(len(flip) == 200 and not set(flip) & set(valid) and
       {len(g) for g in flip} <= lengths,
       "flip changes bits, also from an address that is not ours", len(flip))
    ok(len(trunc) == 100 and all(any(v.startswith(g) and len(g) < len(v)
                                     for v in valid) for g in trunc),
       "truncate", len(trunc))
    ok(len(set(a)) > 10 and len(set(b)) > 10 and not set(a) & set(b) - {b""},
       "random, by seed", (len(a), len(b)))


def main():
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, lambda *a: sys.exit(1))
    atexit.register(clean)
    server = build()
    for test in (test_usage, test_quiet, test_cut, test_dead, test_reset,
                 test_refused, test_hung, test_vipwatch, test_beatblast):
        try:
            test(server)
        except Exception as e:  # a test that breaks is a test that fails
            ok(False, f"{test.__name__}: {e!r}")
    print(f"1..{TESTS[0]}")
    return 1 if TESTS[1] else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        Server().run()
    BIN = os.path.abspath(sys.argv[1] if len(sys.argv) > 1
                          else f"{ROOT}/build/bin")
    sys.exit(main())
