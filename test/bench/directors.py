"""directors: two yokeds on this machine, each in namespaces of its own (network,
mounts), on a pair of veth cards; no virtual machines, no corosync, no IPVS (the
kernel's table is in bench_yoked's memory). For what concerns one director alone
and its storage. Needs root.

    with Directors(scratch, services=1000) as d:
        active = d.wait_active()
"""
import fcntl
import json
import mmap
import os
import signal
import struct
import subprocess
import time

BIN = os.path.abspath(os.environ.get("YOKE_BIN", "build/bin"))
NODES = ("d1", "d2")
VIPS = 10
SERVERS = 10
SAMPLES = 16384     # as in bench_yoked.c

CONF = """\
instance = bench
key_file = {dir}/key
beat {{ interval = {beat}  misses = 3 }}
start_wait = 1s
node d1 {{ id = 1
	path a {{ device = eth0  address = 10.99.8.1 }}
	{cross[0]}
}}
node d2 {{ id = 2
	path a {{ device = eth0  address = 10.99.8.2 }}
	{cross[1]}
}}
{services}
checkpoint {{ directory = {store}  interval = {interval} }}
sync {{ enabled = false }}
"""


def services(n, changed=0):
    out = [f"vip 10.80.0.{i + 1}/32 {{ device = eth0 }}" for i in range(VIPS)]
    for s in range(n):
        rows = "".join(
            f"\tserver s{k} {{ address = 10.90.{s // 25}.{s % 25 * 10 + k + 1}"
            f"  weight = {20 if s * SERVERS + k < changed else 10} }}\n"
            for k in range(SERVERS))
        out.append(f"service svc{s} {{ address = 10.80.0.{s % VIPS + 1}\n"
                   f"\tport = {1000 + s // VIPS}  scheduler = wlc\n{rows}}}")
    return "\n".join(out)


def wait_for(fn, limit, what):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        got = fn()
        if got:
            return got
        time.sleep(0.02)
    raise SystemExit(f"not within {limit} s: {what}")


class Probes:
    """What bench_yoked measured; see struct probes there."""
    NAMES = ("change", "hand", "gap", "at")
    RING = 8 + 4 * SAMPLES

    def __init__(self, path):
        with open(path, "wb") as f:
            f.truncate(self.RING * len(self.NAMES))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def count(self, name):
        at = self.NAMES.index(name) * self.RING
        return struct.unpack_from("=Q", self.map, at)[0]

    def since(self, name, n):
        """The samples after the nth, as many as are kept."""
        at, now = self.NAMES.index(name) * self.RING + 8, self.count(name)
        first = max(n, now - SAMPLES)
        v = struct.unpack_from(f"={SAMPLES}I", self.map, at)
        return [v[i % SAMPLES] for i in range(first, now)]


def take_turns():
    """RACK_LOCK=FILE: with racks too, as test/rack/rack.py does it. Until what
    it returns is closed."""
    path = os.environ.get("RACK_LOCK")
    if not path:
        return None
    f = open(path, "a")
    fcntl.flock(f, fcntl.LOCK_EX)
    return f


class Directors:
    """cross: a second pair of cards, eth1, and a path b on it."""
    CROSS = "path b {{ device = eth1  address = 10.99.9.{} }}"

    def __init__(self, scratch, n=1000, beat="10ms", interval="60s",
                 nodes=NODES, cross=False):
        self.dir, self.n, self.nodes = scratch, n, nodes
        self.cards = ("eth0", "eth1")[:2 if cross else 1]
        self.set = dict(dir=scratch, beat=beat, interval=interval, cross=[
            self.CROSS.format(i + 1) if cross else "" for i in range(2)])
        self.holders, self.pids, self.procs = {}, {}, []
        self.probes = {}

    def __enter__(self):
        try:
            self.raise_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for p in self.procs + list(self.holders.values()):
            if p.poll() is None:
                p.send_signal(signal.SIGCONT)
                p.kill()
            p.wait()

    # -- the two places ----------------------------------------------------

    def inside(self, node, *cmd):
        return ["nsenter", "-t", str(self.holders[node].pid), "-m", "-n",
                "-u", *cmd]

    def run(self, node, *cmd, **kw):
        return subprocess.run(self.inside(node, *cmd), text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **kw)

    def hold(self, node):
        """A process that keeps the namespaces."""
        script = ("mount --make-rprivate / && mount -t tmpfs t /dev/shm && "
                  "mount -t tmpfs t /run && mkdir -p /var/lib/yoke && "
                  "mount -t tmpfs t /var/lib/yoke && ip link set lo up && "
                  "echo ready && exec sleep 100000")
        p = subprocess.Popen(["unshare", "-m", "-n", "-u", "sh", "-c", script],
                             stdout=subprocess.PIPE, text=True)
        self.holders[node] = p
        if p.stdout.readline() != "ready\n":
            raise SystemExit("no namespaces: root is needed")

    def raise_all(self):
        os.makedirs(self.dir, exist_ok=True)
        with open(f"{self.dir}/key", "w") as f:
            f.write(os.urandom(32).hex())
        os.chmod(f"{self.dir}/key", 0o600)
        for node in NODES:
            self.hold(node)
        for net, card in enumerate(self.cards, 8):
            self.wire(card, net)
        for node in self.nodes:
            self.start(node)

    def wire(self, card, net):
        ip = self.run("d1", "ip", "link", "add", card, "type", "veth", "peer",
                      "name", card, "netns", str(self.holders["d2"].pid))
        if ip.returncode:
            raise SystemExit(ip.stdout)
        for i, node in enumerate(NODES):
            self.run(node, "ip", "address", "add", f"10.99.{net}.{i + 1}/24",
                     "dev", card)
            self.run(node, "ip", "link", "set", card, "up")

    def configure(self, node, changed=0, **more):
        store = f"{self.dir}/{node}"
        os.makedirs(store, exist_ok=True)
        with open(f"{self.dir}/{node}.conf", "w") as f:
            f.write(CONF.format(**{**self.set, "store": store,
                                   "services": services(self.n, changed),
                                   **more}))

    def start(self, node):
        self.configure(node)
        self.probes[node] = Probes(f"{self.dir}/{node}.probes")
        for name in ("bench_yoked", "bench_checkpointd"):
            self.start_daemon(node, name)

    def start_daemon(self, node, name):
        env = dict(os.environ, YOKE_BENCH=f"{self.dir}/{node}.probes",
                   YOKE_STALL=f"{self.dir}/{node}.stall")
        with open(f"{self.dir}/{node}.{name}.log", "a") as log:
            p = subprocess.Popen(
                self.inside(node, f"{BIN}/{name}", "-f", "-n", node,
                            "-c", f"{self.dir}/{node}.conf"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.procs.append(p)
        self.pids[node, name] = p.pid

    # -- questions ---------------------------------------------------------

    def yoke(self, node, *words, **kw):
        return self.run(node, f"{BIN}/yoke", "-i", "bench", *words, **kw)

    def status(self, node):
        r = self.yoke(node, "status", "--json")
        try:
            return json.loads(r.stdout)
        except ValueError:
            return None

    def settled(self):
        """The active one, when storage has all of its table."""
        for node in self.nodes:
            s = self.status(node)
            if (s and s["role"] == "active" and s["checkpoint"]["ok"]
                    and s["checkpoint"]["lag_changes"] == 0):
                return node
        return None

    def wait_settled(self, limit=60):
        return wait_for(self.settled, limit, "an active director, its table "
                        f"on storage (logs in {self.dir})")

    def rss_mb(self, node, name):
        with open(f"/proc/{self.pids[node, name]}/status") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def stall(self, node, on):
        path = f"{self.dir}/{node}.stall"
        if on:
            open(path, "w").close()
        else:
            os.unlink(path)
