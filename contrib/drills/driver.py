"""driver: what a drill can do to a pair, whatever the pair is.

A drill says what shall happen to which director; a driver knows how to make it
happen there. Everything here rests on run(): a shell command on a director.
driver_ssh.py is a live pair over ssh, test/rack/driver_rack.py the rack; the
difference between the two is all there is to write for another place.
"""
import contextlib
import json
import re
import shlex
import threading
import time

import cards

DAEMONS = ("yoked", "yoke-linkd", "yoke-checkpointd", "yoke-monitord",
           "yoke-syncd")


COMM = 15               # what the kernel keeps of a program's name
DEFAULT_CONF = "/etc/yoke/yoke.conf"


class Output(str):
    """What a command printed (both streams), with its exit code."""
    returncode = 0


class DriverError(Exception):
    """A command on a director failed, or there was no answer."""


def at_once(*calls):
    """Calls them all at the same time; their results, or the first error."""
    out = [None] * len(calls)

    def one(i, fn):
        try:
            out[i] = (fn(), None)
        except Exception as e:              # handed on below
            out[i] = (None, e)
    threads = [threading.Thread(target=one, args=c) for c in enumerate(calls)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for _, error in out:
        if error:
            raise error
    return [value for value, _ in out]


def parse_conf(text):
    """What `yoke print` prints, as nested dicts: a section with a name is
    under (word, name)."""
    top = {}
    stack = [top]
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{"):
            words = line[:-1].split()
            key = words[0] if len(words) == 1 else (words[0], words[1])
            stack.append(stack[-1].setdefault(key, {}))
        elif line == "}":
            stack.pop()
        elif " = " in line:
            key, _, value = line.partition(" = ")
            stack[-1][key] = value.strip('"')
    return top


class Conf:
    """The pair's configuration, as far as drills look at it."""

    def __init__(self, text):
        c = parse_conf(text)
        self.instance, self.key_file = c["instance"], c["key_file"]
        self.directory = c["checkpoint"]["directory"]
        self.interval_ms = usec(c["beat"]["interval"]) / 1000
        self.misses = int(c["beat"]["misses"])
        self.vip_rows = [(*k[1].split("/"), v["device"]) for k, v in c.items()
                         if isinstance(k, tuple) and k[0] == "vip"]
        self.vips = [row[0] for row in self.vip_rows]
        self.vip_devices = {row[2] for row in self.vip_rows}
        self.nodes = {k[1]: v for k, v in c.items()
                      if isinstance(k, tuple) and k[0] == "node"}
        self.services = {k[1]: v for k, v in c.items()
                         if isinstance(k, tuple) and k[0] == "service"}

    @property
    def silence_ms(self):
        """A path that is silent for so long is down."""
        return self.interval_ms * self.misses

    def paths(self, node, kind="udp"):
        """[(name, device, address)] in the order of the file."""
        return [(k[1], p["device"], p.get("address"))
                for k, p in self.nodes[node].items()
                if isinstance(k, tuple) and k[0] == "path"
                and p["type"] == kind]


def usec(text):
    """A duration of yoke.conf in microseconds."""
    number, unit = re.fullmatch(r"(\d+)\s*(us|ms|s|min|h|d)?", text).groups()
    return int(number) * {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6,
                          "h": 3600 * 10**6, "d": 86400 * 10**6,
                          None: 10**6}[unit]


class Driver:
    """Subclasses give run(), and what of the rest they do in another way."""
    live = True             # people depend on this pair: ask first
    nodes = ()
    yoke_bin = "yoke"
    conf_file = DEFAULT_CONF
    guard_s = 120           # a fault on a live pair ends by itself after this
    look_s = 0.1            # between two looks at the same thing
    _conf = None

    # -- to be given -----------------------------------------------------

    def run(self, node, cmd, check=True, timeout=10, input=""):
        """A shell command as root; Output. DriverError when it fails (and
        check) or is late, or the director does not answer."""
        raise NotImplementedError

    def start(self, node, daemon):
        """Starts one of DAEMONS, or corosync; fine if it runs."""
        raise NotImplementedError

    def keep_down(self, node, daemon):
        """From now on nobody but start() starts it again."""

    def lacks(self, need):
        """Why this driver cannot do something ("power", "serial", "build"),
        or None when it can."""
        return f"this driver has no {need}"

    def power_cut(self, node):
        raise DriverError("no power switch")

    def power_on(self, node):
        """Switches it on and waits until its services are started."""
        raise DriverError("no power switch")

    def powered(self, node):
        return True

    def serial(self, up):
        raise DriverError("no hand at the serial line")

    def load(self):
        """A client's load: a context manager with stop(); see load.py."""
        raise NotImplementedError

    def watch(self):
        """From now on it is known who holds the virtual addresses."""

    def holders(self, addr, t0, t1):
        """holders.py's dict for two times of this machine's clock."""
        raise NotImplementedError

    def rebuild(self):
        """Last resort after a drill that did not end in a settled pair."""

    def close(self):
        pass

    # -- questions -------------------------------------------------------

    def yoke_words(self, node):
        """The command as a shell's words, with a blank behind."""
        return f"{self.yoke_bin} -c {self.conf_file} "

    def yoke(self, node, words, check=True, input=""):
        return self.run(node, self.yoke_words(node) + words, check=check,
                        input=input)

    def put(self, node, path, text, mode=0o644):
        """Writes a file, whole, by rename."""
        new = shlex.quote(f"{path}.new")
        self.run(node, f"umask 077; cat >{new} && chmod {mode:o} {new} && "
                 f"mv {new} {shlex.quote(path)}", input=text)

    @property
    def conf(self):
        if self._conf is None:
            self._conf = Conf(self.yoke(self.nodes[0], "print"))
        return self._conf

    def status(self, node):
        """The status document; None while yoked does not answer."""
        if not self.powered(node):
            return None
        with contextlib.suppress(OSError, DriverError, ValueError):
            # fast, slow or not at all: a busy director may take its time
            return json.loads(self.yoke(node, "status --json", check=False))
        return None

    def statuses(self):
        return dict(zip(self.nodes, at_once(
            *[lambda n=n: self.status(n) for n in self.nodes])))

    def kernel(self, node):
        """The kernel's IPVS table as text, in a fixed order."""
        return sorted(self.run(node, "ipvsadm -Sn").splitlines())

    def holds(self, node, addr):
        """Is the address on the director now?"""
        return f" {addr}/" in self.run(node, "ip -o addr show")

    # -- processes -------------------------------------------------------

    def pids(self, node, daemon):
        """Of the processes of a program; of yoke's daemons only those of
        this pair's configuration, as a director may have several."""
        out = self.run(node, f"for p in $(pgrep -x {daemon[:COMM]}); do "
                       "echo $p $(tr '\\0' ' ' </proc/$p/cmdline); done",
                       check=False)
        rows = [line.split() for line in out.splitlines()]
        return [int(r[0]) for r in rows if len(r) > 1 and
                (daemon not in DAEMONS or self.ours(r[1:]))]

    def ours(self, argv):
        """Is this command line one of our configuration?"""
        said = [b for a, b in zip(argv, argv[1:]) if a == "-c"]
        return (said or [DEFAULT_CONF]) == [self.conf_file]

    def kill(self, node, daemon, sig):
        """Sends a signal to a daemon (or corosync)."""
        pids = self.pids(node, daemon)
        if not pids:
            raise DriverError(f"{node}: {daemon} does not run")
        # one may be the other's child and gone with it
        self.run(node, f"kill -{sig} {' '.join(map(str, pids))}",
                 check=len(pids) == 1)

    def wake(self, node, daemon):
        """Goes on, if it is there."""
        with contextlib.suppress(DriverError):
            self.kill(node, daemon, "CONT")

    # -- network ---------------------------------------------------------

    def nic(self, node, device, up):
        """Unplugs a card: nothing leaves, nothing comes in."""
        self._card(node, device, None if up else cards.unplug(device))

    def shape(self, node, device, peer, how):
        """What leaves by this card for the peer meets netem's `how` ("loss
        30%", "delay 200ms 50ms"). None ends it. Clients are not touched."""
        self._card(node, device, how and cards.shape(device, peer, how))

    def _card(self, node, device, harm):
        if harm:
            self.harm(node, device, harm, cards.mend(device))
            return
        self.run(node, f"{{ {cards.mend(device)}; }} 2>/dev/null")
        self.end_harm(node, device)

    # -- faults that must end by themselves ------------------------------

    def harm(self, node, what, cmd, end):
        """Does cmd, after arming the director to do `end` by itself should we
        not come back: a fault may cut off who made it. what: a name for it."""
        if self.live:
            mark = f"/run/yoke-drill.{what}"
            guard = (f"echo $$ >{mark}; sleep {self.guard_s}; rm -f {mark}; "
                     f"{end}")
            self.run(node, f"setsid sh -c {shlex.quote(guard)} "
                     "</dev/null >/dev/null 2>&1 &")
        self.run(node, cmd)

    def end_harm(self, node, what):
        """What harm() armed is not needed any more."""
        if self.live:
            mark = f"/run/yoke-drill.{what}"
            self.run(node, f"[ ! -e {mark} ] || {{ kill -- -$(cat {mark}); "
                     f"rm -f {mark}; }}", check=False)

    # -- clock -----------------------------------------------------------

    def clock(self, node, seconds):
        """Steps a director's wall clock."""
        self.run(node, "exec python3 -c 'import time;"
                 "time.clock_settime(time.CLOCK_REALTIME,"
                 f"time.clock_gettime(time.CLOCK_REALTIME)+({seconds}))'")


def now():
    return time.time()
