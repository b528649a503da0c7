#!/usr/bin/python3
"""rack: a load-balancer cluster on one machine, for tests, demo and benches.

Two directors d1 and d2 (User Mode Linux machines on the host's own root file
system, read only), a client and three real servers (namespaces), a service
network, a crossover network, a management network for commands, a serial
line and a shared folder. See README.md.

    with Rack() as rack:
        rack.run("d1", "ipvsadm -Ln")
        cut = rack.power_cut("d1")

    rack.py shell      raise a rack, say how to use it, wait
    rack.py selftest   raise a rack and try everything (TAP)
    rack.py reap       remove what racks of dead processes left behind
"""
import atexit
import concurrent.futures
import contextlib
import fcntl
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import corosync                                             # noqa: E402
import hostkernel                                           # noqa: E402
import keepalived                                           # noqa: E402
import net                                                  # noqa: E402
import servers                                              # noqa: E402
from uml import (Cut, Machine, Output, RunError, RUN_S,        # noqa: E402,F401
                 wait_for)

BASE = os.environ.get("YOKE_RACK_DIR", "/dev/shm")
RT_KEPT = f"{BASE}/yoke-rt-limit"
_serial = itertools.count(1)
_live = []
_turn = []


def _wait_turn():
    """RACK_LOCK=FILE: one rack at a time among those who name that file, for
    as long as this process lives. Racks side by side work, but on two cores
    they disturb each other."""
    path = os.environ.get("RACK_LOCK")
    if not path or _turn:
        return
    _turn.append(open(path, "w"))       # closed by the process's end
    try:
        fcntl.flock(_turn[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("# waiting for another rack", file=sys.stderr, flush=True)
        fcntl.flock(_turn[0], fcntl.LOCK_EX)


class Rack:
    """One cluster. Use as a context manager, or up() and close()."""

    NODES = ("d1", "d2")
    VIP, VIP6 = "10.77.0.10", "fd77::10"
    ADDR = {"d1": "10.77.0.1", "d2": "10.77.0.2"}
    ADDR6 = {"d1": "fd77::1", "d2": "fd77::2"}
    CROSS = {"d1": "10.77.1.1", "d2": "10.77.1.2"}
    CROSS6 = {"d1": "fd77:1::1", "d2": "fd77:1::2"}
    CLIENT, CLIENT6 = "10.77.0.100", "fd77::100"
    RS = {"rs1": "10.77.0.11", "rs2": "10.77.0.12", "rs3": "10.77.0.13"}
    RS6 = {"rs1": "fd77::11", "rs2": "fd77::12", "rs3": "fd77::13"}
    SERIAL = "/dev/ttyS0"               # of each machine

    def __init__(self, mem="256M", rt=10, baud=0, disk=0, machine=Machine,
                 more=()):
        """mem: of each director. rt: their real-time priority (0: none; RACK_RT
        of the environment instead: a rack that goes before others, or behind).
        baud: speed of the serial line (0: no limit). disk: MB of one that both
        have, as /dev/ubda; its file is rack.disk. machine: what they are.
        more: names of further machines, which have no serial line; then the
        disk is theirs, not the directors'."""
        rt = rt and int(os.environ.get("RACK_RT", rt))
        count, self.owner = next(_serial), os.getpid()
        self.tag = str(os.getpid()) + (f".{count}" if count > 1 else "")
        self.dir = f"{BASE}/yoke-rack-{self.tag}"
        self.shared = f"{self.dir}/shared"
        if rt and subprocess.run(["chrt", "-r", str(rt), "true"],
                                 stderr=subprocess.DEVNULL).returncode:
            rt = 0
        self.mem, self.rt, self.baud = mem, rt, baud
        self.disk_mb, self.disk = disk, f"{self.dir}/disk" if disk else None
        self.machine, self.more = machine, more
        self.fabric = self.cable = self.guard = None
        self.order_lock = threading.Lock()
        self.machines, self.servers = {}, {}
        self.popens = []

    # -- life ----------------------------------------------------------

    def up(self, boot=True):
        if os.geteuid() != 0:
            raise PermissionError("a rack needs root")
        reap()
        _wait_turn()
        _live.append(self)
        _catch_signals()
        os.makedirs(self.shared)
        os.mkdir(f"{self.dir}/uml")
        if self.rt:
            hostkernel.no_limit(RT_KEPT)
            hostkernel.first(hostkernel.threads())
            for argv in (["chrt", "-r", str(self.rt + 2), sys.executable, "-SE",
                          f"{HERE}/hostkernel.py"],
                         [sys.executable, "-SE", f"{HERE}/residents.py"]):
                self.popens.append(subprocess.Popen(
                    argv, stdin=subprocess.PIPE, start_new_session=True))
        if self.disk:
            with open(self.disk, "wb") as f:
                f.truncate(self.disk_mb << 20)
        self.guard = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r x; exec "$0" "$1" reap "$2"',
             sys.executable, f"{HERE}/rack.py", str(self.owner)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.fabric = net.Fabric(self.tag, (*self.NODES, *self.more), {
            "client": 100, **{r: int(a.rsplit(".")[-1])
                              for r, a in self.RS.items()}})
        self.fabric.up()
        net.sysctl(self.fabric.ns("client"), {
            "net/ipv4/ip_local_port_range": "1024 65535"})
        for i, node in enumerate((*self.NODES, *self.more), 1):
            disk = self.disk if (node in self.more) == bool(self.more) else None
            self.machines[node] = self.machine(node, i, self.fabric, self.dir,
                                               self.mem, self.rt, disk)
        self._lay_cable()
        if boot:
            for m in self.machines.values():
                m.power_on()
        for i, role in enumerate(self.RS, 11):
            self.servers[role] = servers.Server(role, i, self.fabric, self.dir,
                                                self.VIP, self.VIP6,
                                                self.rt and self.rt + 1)
            self.servers[role].prepare()
        servers.start_all(self.servers.values())
        if boot:
            for node in self.machines:
                self._wait_boot(node)
        return self

    def _lay_cable(self):
        ends = [self.machines[n].serial for n in self.NODES]
        argv = ["chrt", "-r", str(self.rt)] if self.rt else []
        with open(f"{self.dir}/cable.log", "wb") as log:
            self.cable = subprocess.Popen(
                argv + [sys.executable, "-SE", f"{HERE}/cable.py", *ends,
                        str(self.baud)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True)
        wait_for(lambda: all(map(os.path.exists, ends)), 5, "serial line")

    def close(self):
        """Takes it all down; safe to call twice and on a half-built rack."""
        if self not in _live or os.getpid() != self.owner:
            return                      # not up, or we are a forked child
        with contextlib.ExitStack() as last_in_first_out:
            todo = last_in_first_out.callback
            if self.guard:
                todo(_kill_group, self.guard)
            todo(_calm)
            todo(_live.remove, self)
            todo(shutil.rmtree, self.dir, ignore_errors=True)
            if self.fabric:
                todo(self.fabric.down)
            if self.cable:
                todo(_kill_group, self.cable)
            for s in self.servers.values():
                todo(s.stop)
            for m in self.machines.values():
                todo(m.power_cut)
            for p in self.popens:
                todo(_kill_group, p)

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc):
        self.close()

    # -- directors -----------------------------------------------------

    def boot(self, node, timeout=15):
        """Switches a director on; returns when it takes commands."""
        self._carrier(node, True)
        self.machines[node].power_on()
        self._wait_boot(node, timeout)

    def _wait_boot(self, node, timeout=15):
        wait_for(self.machines[node].ready, timeout, f"boot of {node}")

    def power_cut(self, node):
        """Kills a director at once and whole. Returns Cut(realtime,
        monotonic), read just before; None if it was off."""
        return self.machines[node].power_cut(
            lambda: self._carrier(node, False))

    def powered(self, node):
        m = self.machines[node]
        return m.proc is not None and m.proc.poll() is None

    def freeze(self, node, on=True):
        """Stops a director's time (on=False: lets it go on)."""
        self.machines[node].freeze(on)

    def run(self, node, cmd, timeout=RUN_S, check=True, input=b""):
        """Runs a shell command (or argv list) in a director. Returns its
        output (stdout and stderr; .raw bytes, .returncode). RunError when it
        fails (check) or is late; OSError when the machine does not answer."""
        data = input.encode() if isinstance(input, str) else input
        return self.machines[node].run(cmd, timeout, check, data)

    def spawn(self, node, cmd, log=None):
        """Starts a daemon in a director; returns its pid there. Say
        'exec prog ...' for the pid to be the program's own. log: a path in
        the machine, default rack.dir/NODE/spawn.log."""
        return self.machines[node].spawn(
            cmd, log or f"{self.dir}/{node}/spawn.log")

    def alive(self, node, pid):
        return self.run(node, f"kill -0 {pid}", check=False).returncode == 0

    def put(self, node, path, text, mode=0o644):
        """Writes a file in a director (whole: by rename), folders too."""
        data = text.encode() if isinstance(text, str) else text
        self.machines[node].put(path, data, mode)

    def clock_ahead(self, node):
        """Seconds that a director's wall clock is ahead of the host's, to
        about a millisecond."""
        return self.machines[node].clock_ahead()

    def nic(self, node, nic, up):
        """Unplugs (up=False) or plugs a director's card at the switch: the
        director keeps its carrier but hears and reaches nobody."""
        self.fabric.wire(node, nic, up)

    def serial(self, up):
        """Cuts (up=False) or mends the serial line."""
        self.cable.send_signal(signal.SIGUSR2 if up else signal.SIGUSR1)

    def serial_order(self, *words):
        """See cable.py: garble, write, drop, raise."""
        with self.order_lock:
            self.cable.stdin.write(" ".join(map(str, words)) + "\n")
            self.cable.stdin.flush()
            if not self.cable.stdout.readline():
                raise RuntimeError("the serial line is gone")

    def serial_hang_up(self, node, up=False):
        """The modem lines at that director's end drop (up: come back)."""
        m = self.machines[node]
        end = "ab"[self.NODES.index(node)]
        if up:
            self.serial_order("raise", end)
            m.renew_serial()
        else:
            self.serial_order("drop", end, m.proc.pid if m.proc else 0)

    def _carrier(self, node, up):
        """The other end's modem lines follow a director's power."""
        if node in self.NODES and self.cable and self.cable.poll() is None:
            self.serial_hang_up(
                [n for n in self.NODES if n != node][0], up)

    def each(self, fn, nodes=NODES):
        """fn(node) for the directors at the same time; list of results."""
        with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
            return list(pool.map(fn, nodes))

    # -- namespaces ----------------------------------------------------

    def ns_argv(self, role):
        """Words to put before a host command to run it in a namespace:
        client, rs1.., lan (bridges; capture here)."""
        return net.ns_argv(self.fabric.ns(role))

    def ns(self, role, argv, timeout=10, check=True, input=b""):
        """Runs a host command in a namespace; returns as run() does."""
        data = input.encode() if isinstance(input, str) else input
        done = subprocess.run(self.ns_argv(role) + list(argv), input=data,
                              stdout=subprocess.PIPE, timeout=timeout,
                              stderr=subprocess.STDOUT)
        out = Output.make(done.stdout, done.returncode)
        if check and out.returncode != 0:
            raise RunError(role, argv, out, f"exit {out.returncode}")
        return out

    def ns_popen(self, role, argv, **kw):
        """subprocess.Popen in a namespace, killed with the rack."""
        kw.setdefault("start_new_session", True)
        p = subprocess.Popen(self.ns_argv(role) + list(argv), **kw)
        self.popens.append(p)
        return p

    def inside(self, role):
        """with rack.inside("client"): sockets the thread opens are there."""
        return net.inside(self.fabric.ns(role))

    def fetch(self, addr=None, role="client", port=80, path="/", timeout=2.0):
        """One HTTP request, by default of the client to the VIP: the body."""
        return servers.fetch(self.fabric, role, addr or self.VIP, port, path,
                             timeout)

    # -- real servers --------------------------------------------------

    def rs_stop(self, role, sig=signal.SIGKILL):
        self.servers[role].stop(sig)

    def rs_start(self, role):
        servers.start_all([self.servers[role]])

    def rs_freeze(self, role, on=True):
        self.servers[role].freeze(on)

    # -- daemons -------------------------------------------------------

    def start_corosync(self, node, wait=True, **settings):
        """settings: token, consensus, link_mode; see corosync.py."""
        pid = corosync.start(self, node, **settings)
        if wait:
            # 18 s were seen, on a director with much traffic and a slow CPU
            wait_for(lambda: corosync.up(self, node), 60, "corosync")
        return pid

    def corosync_members(self, node):
        return corosync.members(self, node)

    def stop_corosync(self, node, kill=False):
        corosync.stop(self, node, kill)

    def start_keepalived(self, node, priority, **settings):
        """settings: advert_int='1' vrrp_version=2 sync='default'|'tuned'
        scheduler='rr'|'mh' port=80 extra=(lines of the vrrp_instance)."""
        return keepalived.start(self, node, priority, **settings)

    def stop_keepalived(self, node, kill=False):
        keepalived.stop(self, node, kill)

    def has_vip(self, node, vip=None):
        return f" {vip or self.VIP}/" in self.run(node, "ip -o addr show eth0")

    wait_for = staticmethod(wait_for)


def _kill_group(proc):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(proc.pid, signal.SIGKILL)
    proc.wait()


def _close_all():
    for rack in list(_live):
        rack.close()


def _on_signal(signum, _frame):
    if not any(rack.owner == os.getpid() for rack in _live):
        os._exit(128 + signum)          # a forked child, or nothing to do
    sys.exit(128 + signum)              # runs __exit__ and atexit


def _catch_signals():
    if threading.current_thread() is not threading.main_thread():
        return
    for sig in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sig) is signal.SIG_DFL:
            signal.signal(sig, _on_signal)


atexit.register(_close_all)


# -- leftovers of killed processes -------------------------------------

def _owner(name):
    """The pid in the name of a rack's namespace or folder, or None."""
    m = re.fullmatch(r"yoke-(?:rack-)?(\d+)(?:\.\d+)?(?:-\w+)?", name)
    return int(m[1]) if m else None


def _dead(name):
    pid = _owner(name)
    return pid is not None and not _running(pid)


def _running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def reap():
    """Removes racks whose process is dead: what lives in their namespaces,
    the namespaces, the folders. Returns the names it removed."""
    gone = [n for n in net.ns_list() if _dead(n)]
    for ns in gone:
        wait_for(lambda: _kill_ns(ns) == 0, 10, f"end of {ns}")
        subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL)
    for name in os.listdir(BASE):
        if name.startswith("yoke-rack-") and _dead(name):
            _reap_named(f"{BASE}/{name}")
            shutil.rmtree(f"{BASE}/{name}", ignore_errors=True)
            gone.append(name)
    if gone:
        _calm()
    return gone


def _calm():
    if not any(n.startswith("yoke-rack-") for n in os.listdir(BASE)):
        hostkernel.as_before(RT_KEPT)


def _kill_ns(ns):
    """Kills what lives in a namespace; returns how many there were. A dying
    machine may leave a child behind: call it until there are none."""
    pids = [p for p in net.ns_pids(ns) if _running(p)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def _reap_named(path):
    """What was given this rack's folder as an argument: its serial line, which
    is in no namespace, and a machine that was just being started when the
    rack's process died."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
            if any(a.startswith(f"{path}/") or f"={path}/" in a
                   for a in argv[1:]):
                os.kill(int(pid), signal.SIGKILL)


# -- by hand -----------------------------------------------------------

def shell():
    import code
    with Rack() as rack:
        print(f"rack {rack.tag} is up. Folder {rack.dir}, VIP {rack.VIP}.\n"
              f"  rack.run('d1', 'ipvsadm -Ln')   in a director\n"
              f"  rack.fetch()                    client asks the VIP\n"
              f"  rack.power_cut('d1')            rack.boot('d1')\n"
              f"  {' '.join(rack.ns_argv('client'))} bash   from outside\n"
              f"Ctrl-D takes it down.")
        code.interact(banner="", local={"rack": rack, "Rack": Rack},
                      exitmsg="")


def main(argv):
    if argv == ["shell"]:
        shell()
    elif argv == ["selftest"]:
        import selftest
        return selftest.main()
    elif argv and argv[0] == "reap":
        for pid in argv[1:]:            # the guard: its owner is just dying
            wait_for(lambda: not _running(pid), 10, f"end of {pid}")
        for name in reap():
            print(name)
    else:
        print(__doc__.strip().split("\n\n")[-1], file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.modules.setdefault("rack", sys.modules["__main__"])
    sys.exit(main(sys.argv[1:]))
