"""uml: one director as a User Mode Linux machine.

The kernel's start-up benchmarks (raid6, xor, the delay loop) are skipped:
they are 1.1 of its 1.3 seconds. nohz=off: going idle, this kernel can overlook
a packet that arrives just then until its next timer; so that is 10 ms away, not
whenever (which showed as 200 ms stalls of connections).
"""
import collections
import contextlib
import ctypes
import json
import os
import signal
import socket
import stat
import subprocess
import termios
import time

import mconsole
import net
from ticks import Ticks

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
AGENT_PORT = 77
KERNEL_ARGS = [
    "rootfstype=hostfs", "devtmpfs.mount=0",
    "con=null", "con0=null,fd:1", "quiet", "lsm=", "audit=0",
    "nohz=off", "pty.legacy_count=0", "zswap.enabled=0", "lpj=36552704",
    "initcall_blacklist=raid6_select_algo,calibrate_xor_blocks",
]
CARD_QUEUE = 8 << 20    # bytes of packets that wait for a machine without a CPU
SO_RCVBUFFORCE, SO_DOMAIN = 33, 39              # asm-generic/socket.h
PIDFD_GETFD = 438                               # asm-generic/unistd.h
_libc = ctypes.CDLL(None, use_errno=True)

Cut = collections.namedtuple("Cut", "realtime monotonic")


PATIENCE = 2    # times as slow a machine may be
RUN_S = 20      # a command, at most
QUICK_S = 0.02  # an answer that tells the time to 10 ms


class RunError(Exception):
    """A command in a machine failed; .output and .returncode say how."""

    def __init__(self, node, cmd, output, what):
        super().__init__(f"{node}: {cmd!r}: {what}: {output.strip()[-2000:]}")
        self.output, self.returncode = output, output.returncode


class Output(str):
    """What a command printed (both streams), with its exit code."""
    returncode = 0
    raw = b""

    @classmethod
    def make(cls, raw, returncode):
        out = cls(raw.decode("utf-8", "replace"))
        out.raw, out.returncode = raw, returncode
        return out


def wait_for(fn, deadline_s, what):
    """Calls fn until it returns something true; returns that. Exceptions of
    the waiting kind (no answer yet) count as not yet. deadline_s is what a
    machine with nothing else to do needs at most; it ends waiting, it judges
    nothing."""
    end, pause, last = (time.monotonic() + PATIENCE * deadline_s, 0.002, None)
    while True:
        try:
            got = fn()
            if got:
                return got
        except (OSError, RunError) as e:
            last = e
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {PATIENCE * deadline_s} s"
                               + (f" (last: {last})" if last else ""))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def group_members(pgid):
    """Living processes of a process group (zombies do not count)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as f:
                state, _, grp = f.read().rpartition(")")[2].split()[:3]
            if int(grp) == pgid and state not in "ZX":
                found.append(int(pid))
    return found


def deepen_cards(pid):
    """The queues of a machine's packet sockets, from outside: the kernel's
    default of 208 KiB is ~280 small packets, which a machine that is denied its
    CPU for 100 ms loses; a real card's ring would not. Returns how many."""
    pidfd, done = os.pidfd_open(pid), 0
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            fd = _libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                continue
            try:
                if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                    continue
                with socket.socket(fileno=os.dup(fd)) as s:
                    if s.getsockopt(socket.SOL_SOCKET, SO_DOMAIN) == \
                            socket.AF_PACKET:
                        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE,
                                     CARD_QUEUE)
                        done += 1
            finally:
                os.close(fd)
    finally:
        os.close(pidfd)
    return done


def kernel_first(pid, rt):
    """A machine's kernel is one process of the host, its processes are others,
    traced by it. At the same priority the kernel's own clock waits for the end
    of their slice, 100 ms of SCHED_RR, while one of them computes. So they go
    one below it; who is forked later is like who forked it. Returns how many."""
    done = 0
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        children = f.read().split()
    for child in children:
        with contextlib.suppress(OSError):
            with open(f"/proc/{child}/status") as f:
                traced = f"TracerPid:\t{pid}\n" in f.read()
            if traced:
                os.sched_setscheduler(int(child), os.SCHED_RR,
                                      os.sched_param(rt - 1))
                done += 1
    return done


class Machine:
    def __init__(self, node, number, fabric, rack_dir, mem, rt, disk=None):
        """disk: a file on the host that is /dev/ubda here, and elsewhere."""
        self.disk = disk
        self.node, self.number, self.fabric = node, number, fabric
        self.rack_dir, self.mem, self.rt = rack_dir, mem, rt
        self.dir = f"{rack_dir}/{node}"
        self.serial = f"{self.dir}/serial"
        cpus = sorted(os.sched_getaffinity(0))
        self.cpu = cpus[number % len(cpus)]
        self.proc = self.ticks = None
        os.makedirs(self.dir, exist_ok=True)

    def root_args(self):
        """What its root is and what runs in it first: the host's own."""
        return ["rootflags=/", "ro", f"init={HERE}/init.sh"]

    # -- power ---------------------------------------------------------

    def power_on(self):
        """Starts the machine; ready() tells when it answers."""
        if self.proc:
            raise RuntimeError(f"{self.node} is on already")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.dir}/ready")
        self._flush_serial()
        cards = [f"vec{i}:transport=raw,ifname={nic},"
                 f"depth=128,gro=1,mac=02:77:00:00:{i:02x}:{self.number:02x}"
                 for i, nic in enumerate(self.fabric.BRIDGE)]
        argv = net.ns_argv(self.fabric.ns(self.node))
        argv += ["taskset", "-c", str(self.cpu)]
        if self.rt:
            argv += ["chrt", "-r", str(self.rt)]
        argv += ["linux.uml", f"mem={self.mem}", f"umid={self.node}",
                 f"uml_dir={self.rack_dir}/uml/", f"ssl0=tty:{self.serial}",
                 *self.root_args(), *KERNEL_ARGS, *cards,
                 *([f"ubdac={self.disk}"] if self.disk else []),
                 f"RACK={self.rack_dir}", f"REPO={REPO}",
                 f"NODE={self.node}", f"N={self.number}"]
        env = {"PATH": os.environ["PATH"], "HOME": self.rack_dir}
        with open(f"{self.dir}/console.log", "ab", 0) as log:
            self.proc = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=env)

    def _flush_serial(self):
        """What was sent to a machine that was off is lost. No line: the other
        machine is off and has hung up."""
        if not os.path.exists(self.serial):
            return
        fd = os.open(self.serial, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        termios.tcflush(fd, termios.TCIOFLUSH)
        os.close(fd)

    def _dead_terminal(self):
        """Does it keep one that is gone?"""
        fds = f"/proc/{self.proc.pid}/fd"
        for fd in os.listdir(fds):
            with contextlib.suppress(OSError):
                where = os.readlink(f"{fds}/{fd}")
                if "/pts/" in where and where.endswith(" (deleted)"):
                    return True
        return False

    def renew_serial(self):
        """When its terminal hangs up a User Mode Linux sometimes does not notice
        (1 in about 30 while its cards are busy), and keeps the dead one for
        ever: each write fails, each open gives it again. So the line is
        configured anew, which works while nobody has it open."""
        with contextlib.suppress(FileNotFoundError, TimeoutError):
            for _ in range(30):
                if not self.proc or not self._dead_terminal():
                    break
                try:
                    mconsole.ask(f"{self.rack_dir}/uml/{self.node}/mconsole",
                                 f"config ssl0=tty:{self.serial}")
                except mconsole.Refused:
                    time.sleep(0.1)

    def ready(self):
        if self.proc.poll() is not None:
            raise RuntimeError(f"{self.node} died; see {self.dir}/console.log")
        if not os.path.exists(f"{self.dir}/ready"):
            return False
        deepen_cards(self.proc.pid)
        if self.rt > 1:
            kernel_first(self.proc.pid, self.rt)
        if self.ticks is None:
            self.ticks = Ticks(self.proc)
            self.ticks.start()
        return True

    def power_cut(self, then=lambda: None):
        """kill -9 of all of it, and then() at once; returns the time just
        before."""
        if not self.proc:
            return None
        cut = Cut(time.clock_gettime(time.CLOCK_REALTIME),
                  time.clock_gettime(time.CLOCK_MONOTONIC))
        if self.ticks:
            self.ticks.stop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.proc.pid, signal.SIGKILL)
        then()
        self.proc.wait()
        wait_for(lambda: not group_members(self.proc.pid), 5,
                 f"death of {self.node}")
        self.proc = self.ticks = None
        return cut

    def freeze(self, on):
        os.kill(self.proc.pid, signal.SIGSTOP if on else signal.SIGCONT)

    # -- commands ------------------------------------------------------

    def call(self, req, data=b"", timeout=RUN_S):
        """One request to the machine's agent; returns (head, body)."""
        if not self.proc:
            raise ConnectionError(f"{self.node} is off")
        req["timeout"], req["input_bytes"] = timeout, len(data)
        with net.make_socket(self.fabric.ns("lan")) as s:
            s.settimeout(timeout + 2)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.connect((f"10.77.9.{self.number}", AGENT_PORT))
            s.sendall(json.dumps(req).encode() + b"\n" + data)
            with s.makefile("rb") as f:
                line = f.readline()
                if not line:
                    raise ConnectionError(f"{self.node}: no answer")
                head = json.loads(line)
                body = f.read(head["bytes"])
        if len(body) != head["bytes"]:
            raise ConnectionError(f"{self.node}: answer cut short")
        return head, body

    def run(self, cmd, timeout, check, data):
        head, body = self.call({"op": "run", "cmd": cmd}, data, timeout)
        out = Output.make(body, head["rc"])
        if out.returncode is None:
            raise RunError(self.node, cmd, out, f"not done in {timeout} s")
        if check and out.returncode != 0:
            raise RunError(self.node, cmd, out, f"exit {out.returncode}")
        return out

    def spawn(self, cmd, log):
        return self._must({"op": "spawn", "cmd": cmd, "log": log}, cmd)["pid"]

    def put(self, path, data, mode):
        self._must({"op": "put", "path": path, "mode": mode}, path, data)

    def clock_ahead(self, tries=5, most=30):
        """Seconds that its wall clock is ahead of the host's: what the
        quickest of some answers says; of more while none was quick."""
        best = None
        for i in range(most):
            if i >= tries and best[0] < QUICK_S:
                break
            a = time.time()
            _, body = self.call({"op": "time"})
            b = time.time()
            if best is None or b - a < best[0]:
                best = (b - a, int(body) / 1e9 - (a + b) / 2)
        return best[1]

    def _must(self, req, what, data=b""):
        head, body = self.call(req, data)
        if head["rc"] != 0:
            raise RunError(self.node, what, Output.make(body, head["rc"]),
                           f"{req['op']} failed")
        return head
