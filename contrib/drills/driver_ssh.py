"""driver_ssh: a live pair, over ssh (or --remote COMMAND).

What it needs of a director: root's shell, yoke, ipvsadm, ip, tc, python3. The
pair is asked what it is: `yoke print` there.
"""
import contextlib
import os
import shlex
import subprocess
import threading
import time

from driver import DAEMONS, Conf, Driver, DriverError, Output, at_once
from holders import holders
from load import Load, NoLoad

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_S = 600        # a switched-on director answers after this at the latest
FENCE_S = 120       # --power-off and --power-on take this at most
UNITS = {d: d for d in (*DAEMONS, "corosync")}


class Watch:
    """Who comes and goes on one director, while its shell lasts."""

    def __init__(self, driver, node, addrs):
        with open(f"{HERE}/addrwatch.py") as f:
            script = f.read()
        words = " ".join(map(shlex.quote, addrs))
        self.proc = subprocess.Popen(
            driver.argv(node, f"exec python3 -c {shlex.quote(script)} {words}"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.lines, self.asked, self.offset = [], [], None
        self.best, self.began = None, threading.Event()
        threading.Thread(target=self.read, daemon=True).start()
        if not self.began.wait(10):
            raise DriverError(f"{node}: no python3 to watch addresses with")
        for _ in range(5):
            self.measure()
        if self.offset is None:
            raise DriverError(f"{node}: its clock could not be compared")

    def read(self):
        with self.proc.stdout as out:
            for line in out:
                self.on_line(line.decode(errors="replace"))

    def on_line(self, line):
        stamp, word = line.split()[:2]
        if word == "alive":
            self.answer(int(stamp))
            return
        self.lines.append(line)
        if word == "start":
            self.began.set()

    def measure(self):
        """How far its clock is from ours: the answer with the shortest trip
        counts."""
        self.answered = threading.Event()
        self.sent = time.time()
        with contextlib.suppress(OSError):
            self.proc.stdin.write(b"?\n")
        self.answered.wait(2)

    def answer(self, stamp):
        trip = time.time() - self.sent
        if self.best is None or trip < self.best:
            self.best = trip
            self.offset = stamp - int((self.sent + trip / 2) * 1e6)
        self.answered.set()

    def ours(self):
        """The lines by our clock."""
        out = []
        for line in list(self.lines):
            stamp, _, rest = line.partition(" ")
            out.append(f"{int(stamp) - self.offset} {rest}")
        return out

    def close(self):
        with contextlib.suppress(OSError):
            self.proc.kill()
        self.proc.wait()


class SshDriver(Driver):
    look_s = 0.5        # each is a login

    def __init__(self, opt):
        self.opt = opt
        self.conf_file = opt.conf
        self.yoke_bin = shlex.quote(opt.yoke)
        self.hosts = dict(h.partition("=")[::2] for h in opt.host)
        self._conf = Conf(self.printed())
        self.nodes = tuple(self._conf.nodes)
        self.off, self.watches, self.old, self.kills = set(), {}, {}, []
        for node in self.nodes:
            if self.run(node, "true", check=False).returncode:
                raise DriverError(f"{node}: no shell by "
                                  f"{' '.join(self.argv(node, ''))}")
        try:
            at_once(*[lambda n=n: self.begin(n) for n in self.nodes])
        except BaseException:
            self.close()
            raise

    def printed(self):
        """The configuration, as our own yoke prints it."""
        done = subprocess.run([self.opt.yoke, "-c", self.opt.conf, "-n",
                               self.first_node(), "print"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise DriverError(done.stderr.strip())
        return done.stdout

    def first_node(self):
        """Any node of the file will do to read it as."""
        with open(self.opt.conf) as f:
            words = f.read().split()
        return next((b.strip("{\"") for a, b in zip(words, words[1:])
                     if a == "node"), "")

    def begin(self, node):
        self.watches[node] = Watch(self, node, self._conf.vips)

    def close(self):
        for w in [*self.watches.values(), *sum(self.old.values(), [])]:
            w.close()

    # -- commands --------------------------------------------------------

    def argv(self, node, cmd):
        host = self.hosts.get(node, node)
        return [w.format(node=node, host=host)
                for w in shlex.split(self.opt.remote)] + [cmd]

    def run(self, node, cmd, check=True, timeout=10, input=""):
        try:
            done = subprocess.run(
                self.argv(node, cmd), input=input.encode(), timeout=timeout,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired:
            raise DriverError(f"{node}: {cmd!r}: not done in {timeout} s"
                              ) from None
        out = Output(done.stdout.decode(errors="replace"))
        out.returncode = done.returncode
        if check and done.returncode:
            raise DriverError(f"{node}: {cmd!r}: exit {done.returncode}: "
                              f"{out.strip()[-500:]}")
        return out

    def service(self, node, action, daemon, check=True):
        self.run(node, self.opt.service.format(
            action=action, unit=UNITS[daemon], node=node), check=check,
            timeout=60)

    def start(self, node, daemon):
        if self.systemd():
            self.run(node, f"rm -f {self.drop_in(daemon)} && "
                     "systemctl daemon-reload")
        self.service(node, "start", daemon)

    def keep_down(self, node, daemon):
        """The service manager would start it again at once."""
        if self.systemd():
            path = self.drop_in(daemon)
            self.run(node, f"mkdir -p $(dirname {path}) && printf "
                     f"'[Service]\\nRestart=no\\n' >{path} && "
                     "systemctl daemon-reload")

    def systemd(self):
        return self.opt.service.startswith("systemctl")

    @staticmethod
    def drop_in(daemon):
        """Transient: the next boot knows nothing of it."""
        return (f"/run/systemd/system/{UNITS[daemon]}.service.d/"
                "yoke-drill.conf")

    # -- power -----------------------------------------------------------

    def lacks(self, need):
        if need == "power":
            return None if self.opt.power_off and self.opt.power_on else \
                "no --power-off and --power-on"
        if need == "no-serial":
            return "the serial line goes on" \
                if self.conf.paths(self.nodes[0], "serial") else None
        if need == "uplink":
            return None if "uplink" in (self.status(self.nodes[0]) or {}) \
                else "the uplink is not watched"
        return f"not over ssh ({need})"

    def power(self, command, node):
        words = [w.format(node=node, host=self.hosts.get(node, node))
                 for w in shlex.split(command)]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, timeout=FENCE_S,
                                  stderr=subprocess.STDOUT, text=True)
        except (OSError, subprocess.TimeoutExpired) as e:
            raise DriverError(f"{' '.join(words)}: {e}") from None
        if done.returncode:
            raise DriverError(f"{' '.join(words)}: {done.stdout.strip()}")

    def power_cut(self, node):
        """The moment is not known better than that it was before the command
        returned. One that fails may have done it all the same: power_on
        shall see to it."""
        self.off.add(node)
        self.power(self.opt.power_off, node)
        self.kills.append((node, int(time.time() * 1e6)))

    def powered(self, node):
        return node not in self.off

    def answers(self, node):
        """A login to a machine that boots may hang as well as fail."""
        try:
            return not self.run(node, "true", check=False).returncode
        except DriverError:
            return False

    def power_on(self, node):
        if self.powered(node):
            return
        self.power(self.opt.power_on, node)
        end = time.monotonic() + BOOT_S
        while not self.answers(node):
            if time.monotonic() > end:
                raise DriverError(f"{node} does not answer {BOOT_S} s after "
                                  "it was switched on")
            time.sleep(0.5)
        self.off.discard(node)
        self.old.setdefault(node, []).append(self.watches[node])
        self.begin(node)

    # -- what clients see, who holds -------------------------------------

    def load(self):
        return Load(self.opt.url) if self.opt.url else NoLoad()

    def holders(self, addr, t0, t1):
        logs = {n: [line for w in (*self.old.get(n, ()), self.watches[n])
                    for line in w.ours()] for n in self.nodes}
        return holders(logs, self.kills, addr, int(t0 * 1e6), int(t1 * 1e6))


def make(opt):
    return SshDriver(opt)
