#!/usr/bin/python3
"""bench_probes: how many probes a second one processor can make, how late they
are and what they cost: monitord's engine, and keepalived's checkers on the same
list of servers, one after the other, in a network namespace of its own.

The servers are addresses of 127.0.0.0/8 at which one real nginx answers, pinned
to the first processor; who probes is pinned to the last. What came is what
nginx counted. keepalived says nothing of its lateness: its rate and its cost
are compared.

Prints a table; --json FILE for machines. Needs root."""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(TOP, os.environ.get("YOKE_BIN", "build/bin"))
LEAST = 65      # seconds
CASES = (("tcp", 10000), ("http", 5000))
STATUS = "http://127.0.0.1:8080/status"
TICK = os.sysconf("SC_CLK_TCK")

NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log crit;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; multi_accept on; }}
http {{
	access_log off; keepalive_timeout 0; client_body_temp_path {dir}/b;
	proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
	scgi_temp_path {dir}/s;
	server {{ listen 80 backlog=16384; location / {{ return 200 "well"; }} }}
	server {{ listen 127.0.0.1:8080; location /status {{ stub_status; }} }}
}}
"""


def address(i):
    return f"127.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}"


def yoke_conf(kind, n):
    text = "".join(
        f"node d{k} {{ id = {k}  path a {{ device = lo  address = 192.0.2.{k} }} }}\n"
        for k in (1, 2))
    text += "vip 127.0.0.2/32 { device = lo }\n"
    for s in range(0, n, 1000):
        text += (f"service s{s} {{\n\taddress = 127.0.0.2\n\tport = {1000 + s // 1000}\n"
                 "\tmethod = nat\n"
                 f"\tcheck c {{ type = {kind}  interval = 1s  timeout = 1s  port = 80 }}\n")
        text += "".join(f"\tserver r{i} {{ address = {address(i)} }}\n"
                        for i in range(s, min(s + 1000, n)))
        text += "}\n"
    return text


def keepalived_conf(kind, n):
    check = {"tcp": "TCP_CHECK { connect_timeout 1 connect_port 80 }",
             "http": "HTTP_GET { connect_timeout 1 connect_port 80\n"
                     "url { path / status_code 200 } }"}[kind]
    text = ""
    for s in range(0, n, 1000):
        text += (f"virtual_server 127.0.0.2 {1000 + s // 1000} {{\n\tdelay_loop 1\n"
                 "\tlvs_sched wlc\n\tlvs_method NAT\n\tprotocol TCP\n")
        text += "".join(f"\treal_server {address(i)} 80 {{ weight 1\n{check} }}\n"
                        for i in range(s, min(s + 1000, n)))
        text += "}\n"
    return text


def accepts():
    with urllib.request.urlopen(STATUS, timeout=10) as r:
        return int(re.search(r"requests\n (\d+)", r.read().decode()).group(1))


def stat_of(pid):
    """CPU seconds, resident KiB, seconds that it was ready and had no processor."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        v = f.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        waited = int(f.read().split()[1]) / 1e9
    return (int(v[11]) + int(v[12])) / TICK, int(v[21]) * 4, waited


def wait_for(cond, what, seconds=60):
    until = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > until:
            sys.exit(f"bench_probes: in vain: {what}")
        time.sleep(0.05)


def answers():
    try:
        return accepts() >= 0
    except OSError:
        return False


class Bench:
    def __init__(self, args, tmp):
        self.args, self.dir = args, tmp
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.cpu = str(cpus[0]), str(cpus[-1])
        self.running = []

    def start(self, cpu, *cmd, **more):
        p = subprocess.Popen(["taskset", "-c", cpu, *cmd], **more)
        self.running.append(p)
        return p

    def stop(self, p):
        if p.poll() is None:
            p.terminate()
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def nginx(self):
        conf = self.file("nginx.conf", NGINX.format(dir=self.dir))
        self.start(self.server_cpu, "nginx", "-c", conf, "-p", self.dir,
                   "-g", "user root;", stderr=subprocess.DEVNULL)
        wait_for(answers, "nginx answers")

    def yoke(self, kind, n):
        conf = self.file("yoke.conf", yoke_conf(kind, n))
        before = accepts()
        p = self.start(self.cpu, f"{BIN}/bench_monitor", conf, "d1",
                       str(self.args.seconds), stdout=subprocess.PIPE, text=True)
        lines = [json.loads(line) for line in p.stdout]
        if p.wait() != 0 or not lines:
            sys.exit("bench_probes: bench_monitor failed")
        # from the first line on: what it takes to begin is not what is asked
        a, b = lines[0], lines[-1]
        probes, span = b["started"] - a["started"], b["s"] - a["s"]
        return {"who": "yoke", "check": kind, "servers": n, "rate": probes / span,
                "cpu_us": (b["cpu_s"] - a["cpu_s"]) / probes * 1e6,
                "core": (b["cpu_s"] - a["cpu_s"]) / span,
                "waited": (b["waited_s"] - a["waited_s"]) / span,
                "late_p50_ms": b["late_p50_us"] / 1e3, "late_p99_ms": b["late_p99_us"] / 1e3,
                "late_max_ms": b["late_max_us"] / 1e3, "down": b["down"],
                "unasked": b["unasked"], "rss_mb": [x["rss_kb"] / 1024 for x in lines],
                "answered": accepts() - before}

    def checker(self, parent):
        """keepalived's own child does the checks."""
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as f:
            kids = f.read().split()
        return int(kids[0]) if kids else 0

    def keepalived(self, kind, n):
        conf = self.file("keepalived.conf", keepalived_conf(kind, n))
        env = dict(os.environ, LD_PRELOAD=f"{BIN}/no_ipvs.so")
        p = self.start(self.cpu, "keepalived", "-n", "-C", "-f", conf, "--log-console",
                       "-p", f"{self.dir}/k.pid", "-c", f"{self.dir}/kc.pid",
                       env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: p.poll() is not None or self.checker(p.pid), "keepalived's child")
        if p.poll() is not None:
            return None
        pid = self.checker(p.pid)
        time.sleep(10)
        try:
            cpu, rss, wait = stat_of(pid)
            count, at = accepts(), time.monotonic()
            sizes = [rss / 1024]
            while time.monotonic() < at + self.args.seconds - 10:
                time.sleep(10)
                sizes.append(stat_of(pid)[1] / 1024)
            cpu2, _, wait2 = stat_of(pid)
            probes, span = accepts() - count, time.monotonic() - at
        except (OSError, ValueError) as e:
            print(f"keepalived: {e}", file=sys.stderr)
            return None
        finally:
            self.stop(p)
        if probes < 100:
            return None
        return {"who": "keepalived", "check": kind, "servers": n, "rate": probes / span,
                "cpu_us": (cpu2 - cpu) / probes * 1e6, "core": (cpu2 - cpu) / span, "waited": (wait2 - wait) / span,
                "rss_mb": sizes, "answered": probes}

    def run(self):
        self.nginx()
        rows = []
        for kind, n in CASES:
            n = int(n * self.args.scale)
            rows.append(self.yoke(kind, n))
            print_row(rows[-1])
            if shutil.which("keepalived") and not self.args.alone:
                rows.append(self.keepalived(kind, n))
                print_row(rows[-1])
        return rows


def print_row(r):
    if r is None:
        print("keepalived: its checkers did not run here")
        return
    late = (f"{r['late_p50_ms']:7.1f} {r['late_p99_ms']:7.1f} {r['late_max_ms']:7.1f}"
            if "late_p99_ms" in r else " " * 23)
    print(f"{r['who']:<11}{r['check']:<6}{r['servers']:>7}{r['rate']:>10.0f}"
          f"{r['cpu_us']:>9.1f}{r['core'] * 100:>7.0f}{r['waited'] * 100:>7.0f} {late}"
          f"{r['rss_mb'][0]:>8.1f}{r['rss_mb'][-1]:>7.1f}"
          f"  {r.get('down', '')}", flush=True)


def in_namespace(args):
    for cmd in ("ip link set lo up", "sysctl -qw net.ipv4.tcp_max_tw_buckets=4096",
                "sysctl -qw net.core.somaxconn=16384",
                "sysctl -qw net.ipv4.tcp_max_syn_backlog=16384"):
        subprocess.run(cmd.split(), check=cmd.startswith("ip"), stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as tmp:
        b = Bench(args, tmp)
        try:
            print("who        check servers  probes/s   us/probe core%  wait%  late p50    p99     "
                  "max  RSS MB    end  down", flush=True)
            rows = b.run()
        finally:
            for p in b.running:
                b.stop(p)
    by = {(r["who"], r["check"]): r for r in rows if r}
    for kind, _ in CASES:
        if ("keepalived", kind) in by:
            print(f"{kind}: keepalived takes {by['keepalived', kind]['cpu_us'] / by['yoke', kind]['cpu_us']:.2f}"
                  " times the processor time per probe")
    if args.json:
        with open(args.json, "w", encoding="ascii") as f:
            json.dump([r for r in rows if r], f, indent=1)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seconds", type=int, default=70, help="per case")
    p.add_argument("--scale", type=float, default=1.0, help="of the servers")
    p.add_argument("--alone", action="store_true", help="without keepalived")
    p.add_argument("--json")
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.seconds < LEAST:
        p.error(f"--seconds: {LEAST} at least: lateness is that of a whole minute")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if args.inside:
        in_namespace(args)
        return 0
    return subprocess.run(["unshare", "-n", "--", sys.executable, os.path.abspath(__file__),
                           "--inside", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
