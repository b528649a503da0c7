"""net: network namespaces, bridges and wires of one rack.

Everything lives in namespaces named yoke-TAG-ROLE; TAG starts with the pid
of the process that raised the rack, which is how leftovers of a process that
was killed are told from racks in use.
"""
import contextlib
import ctypes
import os
import socket
import subprocess
import threading

RUN_NETNS = "/run/netns"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_here = threading.local()


def ip_batch(lines, ns=None):
    """Runs one `ip -batch`; raises with ip's own words when it fails."""
    argv = ["ip"] + (["-n", ns] if ns else []) + ["-batch", "-"]
    done = subprocess.run(argv, input="\n".join(lines) + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(f"ip -batch in {ns}: {done.stdout.strip()}")


def ns_list():
    with contextlib.suppress(FileNotFoundError):
        return [n for n in os.listdir(RUN_NETNS) if n.startswith("yoke-")]
    return []


def ns_argv(ns):
    """The words to put before a command to run it in a namespace."""
    return ["nsenter", f"--net={RUN_NETNS}/{ns}", "--"]


def ns_pids(ns):
    """Pids of the host's processes that live in a namespace."""
    with contextlib.suppress(OSError):
        key = os.stat(f"{RUN_NETNS}/{ns}")
        return [int(p) for p in os.listdir("/proc") if p.isdigit()
                and _same_ns(p, key)]
    return []


def _same_ns(pid, key):
    try:
        st = os.stat(f"/proc/{pid}/ns/net")
    except OSError:
        return False
    return (st.st_dev, st.st_ino) == (key.st_dev, key.st_ino)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        err = ctypes.get_errno()
        raise OSError(err, "setns: " + os.strerror(err))


@contextlib.contextmanager
def inside(ns):
    """The calling thread, and what it opens or starts, is in namespace ns."""
    back = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net",
                   os.O_RDONLY)
    try:
        there = os.open(f"{RUN_NETNS}/{ns}", os.O_RDONLY)
        try:
            _setns(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _setns(back)
    finally:
        os.close(back)


def make_socket(ns, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with inside(ns):
        return socket.socket(family, kind)


def sysctl(ns, settings):
    with inside(ns):
        for key, value in settings.items():
            with open("/proc/sys/" + key, "w") as f:
                f.write(str(value))


class Fabric:
    """The namespaces and wires of one rack.

    lan: bridges br0 (service), br1 (crossover), br9 (management) with the
    ports d1e0 d1e1 d1e2 d2e0 ... of the directors.
    d1, d2: the other ends, eth0 eth1 eth2, without addresses; the machine runs
    here and has them as its own cards by packet sockets. (Not taps: the tun
    driver sends SIGIO before it marks the file readable, so that a machine now
    and then misses a packet until the next one comes: 200 ms stalls.)
    client, rs1 ...: eth0 on br0.
    """
    BRIDGE = {"eth0": "br0", "eth1": "br1", "eth2": "br9"}

    def __init__(self, tag, nodes, hosts):
        """nodes: names of directors; hosts: {role: last address part}."""
        self.tag, self.nodes, self.hosts = tag, nodes, hosts
        self.roles = ("lan", *nodes, *hosts)

    def ns(self, role):
        return f"yoke-{self.tag}-{role}"

    def port(self, node, nic):
        return f"{node}e{nic[3:]}"

    def up(self):
        ip_batch([f"netns add {self.ns(r)}" for r in self.roles])
        for role in self.roles:
            sysctl(self.ns(role), {
                "net/ipv6/conf/default/accept_dad": 0,
                "net/ipv6/conf/default/accept_ra": 0,
                "net/ipv4/conf/all/rp_filter": 0,
                "net/ipv4/conf/default/rp_filter": 0,
                "net/ipv6/conf/default/disable_ipv6":
                    int(role not in self.hosts),
            })
        lan = ["link set lo up"]
        for br in self.BRIDGE.values():
            lan += [f"link add {br} type bridge forward_delay 0 stp_state 0"
                    " mcast_snooping 0", f"link set {br} up"]
        lan += ["addr add 10.77.9.254/24 dev br9"]
        for node in self.nodes:
            for nic, br in self.BRIDGE.items():
                port = self.port(node, nic)
                lan += [f"link add {port} type veth peer name {nic} "
                        f"netns {self.ns(node)}",
                        f"link set {port} master {br} up"]
        for role in self.hosts:
            lan += [f"link add {role} type veth peer name eth0 "
                    f"netns {self.ns(role)}",
                    f"link set {role} master br0 up"]
        ip_batch(lan, self.ns("lan"))
        for node in self.nodes:
            ip_batch([f"link set {nic} arp off up" for nic in self.BRIDGE],
                     self.ns(node))
        for role, num in self.hosts.items():
            ip_batch(["link set lo up", "link set eth0 up",
                      f"addr add 10.77.0.{num}/24 dev eth0",
                      f"addr add fd77::{num}/64 dev eth0 nodad"],
                     self.ns(role))

    def wire(self, node, nic, up):
        """Plugs or unplugs a director's port at the switch."""
        port, br = self.port(node, nic), self.BRIDGE[nic]
        ip_batch([f"link set {port} " + (f"master {br}" if up else "nomaster")],
                 self.ns("lan"))

    def down(self):
        have = set(ns_list())
        gone = [n for n in map(self.ns, self.roles) if n in have]
        if gone:
            ip_batch([f"netns del {n}" for n in gone])
