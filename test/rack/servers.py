"""servers: the real servers, nginx in a namespace each, by direct routing.

A server holds the virtual addresses on lo and keeps quiet about them:
arp_ignore/arp_announce for IPv4; for IPv6 the kernel answers solicitations
only for addresses of the card they came in on.
"""
import contextlib
import os
import signal
import socket
import subprocess

import net
from uml import group_members, wait_for

CONF = """\
daemon off;
user root;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 16384; }}
http {{
	access_log off;
	default_type text/plain;
	keepalive_timeout 3600s;
	keepalive_requests 1000000000;
	client_body_temp_path {dir}/tmp;
	proxy_temp_path {dir}/tmp;
	fastcgi_temp_path {dir}/tmp;
	uwsgi_temp_path {dir}/tmp;
	scgi_temp_path {dir}/tmp;
	server {{
		listen 80 backlog=4096;
		listen [::]:80 ipv6only=on backlog=4096;
		listen 8080 backlog=4096;
		listen [::]:8080 ipv6only=on backlog=4096;
		location = /health {{ return 200 "ok\\n"; }}
		location / {{ return 200 "{role}\\n"; }}
	}}
}}
"""


class Server:
    def __init__(self, role, number, fabric, rack_dir, vip, vip6, rt=0):
        """rt: real-time priority; above the directors, or a server that waits
        for a CPU of theirs would look like a slow director."""
        self.rt = rt
        self.role, self.addr, self.fabric = role, f"10.77.0.{number}", fabric
        self.vip, self.vip6 = vip, vip6
        self.dir = f"{rack_dir}/{role}"
        self.proc = None
        os.makedirs(self.dir, exist_ok=True)

    def prepare(self):
        ns = self.fabric.ns(self.role)
        net.sysctl(ns, {f"net/ipv4/conf/{card}/{key}": value
                        for card in ("all", "lo", "eth0") for key, value in
                        (("arp_ignore", 1), ("arp_announce", 2))})
        net.sysctl(ns, {"net/core/somaxconn": 4096})
        net.ip_batch([f"addr add {self.vip}/32 dev lo",
                      f"addr add {self.vip6}/128 dev lo nodad"], ns)

    def start(self):
        conf = f"{self.dir}/nginx.conf"
        with open(conf, "w") as f:
            f.write(CONF.format(dir=self.dir, role=self.role))
        argv = net.ns_argv(self.fabric.ns(self.role))
        argv += ["chrt", "-r", str(self.rt)] if self.rt else []
        argv += [
            "nginx", "-e", f"{self.dir}/error.log", "-p", self.dir, "-c", conf]
        with open(f"{self.dir}/nginx.out", "ab", 0) as log:
            self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log,
                                         start_new_session=True)

    def answers(self):
        if self.proc.poll() is not None:
            raise RuntimeError(f"{self.role}: nginx died; see {self.dir}")
        with net.make_socket(self.fabric.ns(self.role)) as s:
            s.settimeout(1)
            return s.connect_ex((self.addr, 80)) == 0

    def stop(self, sig=signal.SIGKILL):
        """SIGKILL: gone at once; SIGQUIT: finishes its requests first."""
        if not self.proc:
            return
        with contextlib.suppress(ProcessLookupError):
            if sig == signal.SIGKILL:
                os.killpg(self.proc.pid, sig)
            else:
                self.proc.send_signal(sig)
        self.proc.wait()
        wait_for(lambda: not group_members(self.proc.pid), 10,
                 f"end of nginx on {self.role}")
        self.proc = None

    def freeze(self, on):
        """A server that accepts (the kernel does) but never answers."""
        os.killpg(self.proc.pid, signal.SIGSTOP if on else signal.SIGCONT)


def fetch(fabric, role, addr, port=80, path="/", timeout=2.0):
    """The body of one HTTP request from a namespace; OSError if none."""
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    with net.make_socket(fabric.ns(role), family) as s:
        s.settimeout(timeout)
        s.connect((addr, port))
        s.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    head, sep, body = data.partition(b"\r\n\r\n")
    if not sep or b" 200 " not in head.split(b"\r\n")[0] + b" ":
        raise ConnectionError(f"{addr}:{port}{path}: {head[:80]!r}")
    return body.decode().strip()


def start_all(servers):
    for s in servers:
        s.start()
    for s in servers:
        wait_for(s.answers, 5, f"nginx on {s.role}")
