"""drill: a fault made on purpose, with a verdict.

A drill is a function with a row of facts above it:

    @drill("yoked-kill", "SIGKILLs the manager of the active director",
           moves=1, overlap_ms=LEASE)
    def yoked_kill(d):
        d.kill(d.active, "yoked", "KILL")
        d.wait_role(d.standby, "active")

Around it Run does what all have in common: waits for a settled pair, starts a
client's load, calls it, undoes what it did in any case, waits for a settled pair
again, and holds what it finds against the row: the roles, the table on both
directors and in both kernels, the client's view, who held the addresses when.
State is read, never logs; conditions are waited for.
"""
import contextlib
import dataclasses
import signal
import sys
import time
import traceback

from driver import DriverError, at_once, now

SHORT = 100         # ms that two may hold an address at a change of roles
LEASE = 1300        # nobody takes it from a hung machine but its kernel
SEEN = 20           # ms that a watch may be late
NOISE_S = 0.2       # beyond the silence, until clients are served again
ANY = None
SETTLE_S = 40
MACHINE_CHARS = 6000     # of each answer about a machine
PAST = ("vip", "two-holders",       # alarms that tell for a while what has been
        "monitord-late", "monitord-unasked")
DETECT = "detect"   # outage: as long as it takes to find the active dead


@dataclasses.dataclass
class Row:
    name: str
    says: str
    fn: object
    moves: object       # changes of roles; ANY
    outage: object      # ms, DETECT, ANY; 0: no connection fails
    reset: object       # established connections; ANY
    hung: object
    overlap_ms: object  # two holders at a time; ANY
    needs: tuple        # of the driver, or functions of d: why not, or None
    quick: bool         # one of the handful of make check
    soak: bool          # fit to be one of many at random
    same_table: bool


ROWS = {}


def drill(name, says, moves=0, outage=0, reset=0, hung=0, overlap_ms=SHORT,
          needs=(), quick=False, soak=True, same_table=True):
    """Makes a drill of a function; says: what it does, after "It"."""
    def add(fn):
        assert name not in ROWS, name
        ROWS[name] = Row(name, says, fn, moves, outage, reset, hung,
                         overlap_ms, tuple(needs), quick, soak, same_table)
        return fn
    return add


class Broken(Exception):
    """Something that must hold did not."""


def table_of(status):
    """What must be the same after a drill, of yoke's own table."""
    return {s["name"]: [(v["name"], v["weight"], v["configured"], v["source"],
                         v["health"], v["drain"]) for v in s["servers"]]
            for s in status["services"]}


def roles(statuses):
    """(active, standby), or None."""
    by = {s["role"]: n for n, s in statuses.items() if s}
    return (by["active"], by["standby"]) \
        if set(by) >= {"active", "standby"} else None


def unsettled(statuses):
    """Why this is not a pair in good order; None: it is."""
    for n, s in statuses.items():
        if s is None:
            return f"{n} does not answer"
    pair = roles(statuses)
    if pair is None:
        return " and ".join(f"{n} is {s['role']}" for n, s in statuses.items())
    a, b = (statuses[n] for n in pair)
    for n, s in statuses.items():
        for alarm in s["alarms"]:
            if alarm["name"] not in PAST:
                return f"{n}: {alarm['text']}"
        down = [p["name"] for p in s["paths"] if not p["up"]]
        if down:
            return f"{n}: {down[0]} is down"
        if not all(s["link"].values()):
            return f"{n}: the link is down"
        if not s["monitor"]["helper"]:
            return f"{n}: no monitor"
        if s["sync"]["enabled"] and not s["sync"]["helper"]:
            return f"{n}: no syncd"
    if (a["epoch"], a["seq"]) != (b["epoch"], b["seq"]) or \
            not a["peer"]["in_step"]:
        return "the standby is not in step"
    if a["sync"]["enabled"] and not a["sync"]["full"]:
        return "the standby does not have all connections"
    if a["checkpoint"]["lag_changes"] or not a["checkpoint"]["ok"]:
        return "not all is on storage"
    for s in a["services"]:
        for v in s["servers"]:
            if v["health"] != "up":
                return f"{s['name']}/{v['name']} is {v['health']}"
    return None


class Run:
    """One drill on a pair. go() returns the verdict."""

    def __init__(self, row, driver, rng, say=print, verbose=True):
        self.row, self.driver, self.rng = row, driver, rng
        self._say, self.verbose = say, verbose
        self.steps, self.wrong, self._undo = [], [], []
        self.t0 = time.monotonic()
        self.active = self.standby = None
        self.before = self.client = None
        self.table = None               # set it when the drill changes it
        self.evidence = None
        self.extra_ms = 0               # more outage that is within reason

    # -- what drills use -------------------------------------------------

    @property
    def conf(self):
        return self.driver.conf

    def other(self, node):
        return next(n for n in self.driver.nodes if n != node)

    def say(self, text):
        at = time.monotonic() - self.t0
        self.steps.append({"at_s": round(at, 3), "text": text})
        if self.verbose:
            self._say(f"  {at:7.2f} s  {text}")

    def wait(self, fn, what, deadline=10):
        """Until fn returns something true, which it returns."""
        slow = self.driver.look_s
        end, pause, last = time.monotonic() + deadline, slow / 5, None
        while True:
            try:
                got = fn()
                if got:
                    return got
            except (OSError, DriverError, TypeError, KeyError) as e:
                last = e                # no answer yet
            if time.monotonic() >= end:
                raise Broken(f"{what}: not within {deadline} s" +
                             (f" ({last})" if last else ""))
            time.sleep(pause)
            pause = min(pause * 1.5, slow)

    def hold(self, fn, what, seconds):
        """fn stays true for so long: the time is what is under test."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not fn():
                raise Broken(f"{what}: did not last {seconds} s")
            time.sleep(self.driver.look_s)

    def check(self, cond, what):
        if not cond:
            self.wrong.append(what)
            self.say(f"WRONG: {what}")
        return bool(cond)

    def undo(self, fn, *args):
        """Call this in the end, the last one first, whatever happens. Say it
        before the fault is made. Returns a function that does it now."""
        entry = (fn, args)
        self._undo.append(entry)

        def at_once_():
            if entry in self._undo:
                self._undo.remove(entry)
                fn(*args)
        return at_once_

    def status(self, node):
        return self.driver.status(node)

    def role(self, node):
        s = self.status(node)
        return s["role"] if s else None

    def alarms(self, node):
        s = self.status(node)
        return {a["name"]: a["text"] for a in s["alarms"]} if s else {}

    def wait_role(self, node, role, deadline=10):
        self.wait(lambda: self.role(node) == role, f"{node} to be {role}",
                  deadline)
        self.say(f"{node} is {role}")

    def wait_alarm(self, node, name, deadline=15):
        got = self.wait(lambda: self.alarms(node).get(name),
                        f"alarm \"{name}\" on {node}", deadline)
        self.say(f"{node} has the alarm: {got}")

    def settled(self):
        return unsettled(self.driver.statuses()) is None

    def wait_settled(self, deadline=SETTLE_S):
        """(active, standby) of a pair in good order."""
        last = [None, None]

        def good():
            st = self.driver.statuses()
            last[0] = unsettled(st)
            last[1] = st
            return last[0] is None
        try:
            self.wait(good, "a settled pair", deadline)
        except Broken as e:
            raise Broken(f"{e}: {last[0]}") from None
        self.last = last[1]
        return roles(last[1])

    def kill(self, node, daemon, sig):
        """A daemon gets a signal; in the end it runs again."""
        d = self.driver
        if sig == "STOP":
            self.undo(d.wake, node, daemon)
        elif sig != "CONT":
            d.keep_down(node, daemon)
            self.undo(d.start, node, daemon)
        self.say(f"SIG{sig} to {daemon} of {node}")
        d.kill(node, daemon, sig)

    def quiet(self, seconds, what, active=None):
        """For so long the active one stays active, in the same term."""
        node = active or self.active
        epoch = self.epoch if node == self.active else self.wait(
            lambda: self.status(node), f"{node} to answer")["epoch"]

        def same():                     # no answer: too busy, not gone
            s = self.status(node)
            return not s or (s["role"] == "active" and s["epoch"] == epoch)
        self.hold(same, what, seconds)
        self.say(f"{what}: nothing moved for {seconds:g} s")

    # -- the frame -------------------------------------------------------

    def go(self):
        lacking = self.lacks()
        if lacking:
            return self.verdict("skipped", [lacking])
        try:
            self.active, self.standby = self.wait_settled()
        except Broken as e:
            self.evidence = self.look()
            return self.verdict("not begun", [str(e)])
        self.t0 = time.monotonic()
        self.before = self.last
        self.epoch = self.before[self.active]["epoch"]
        self.table = table_of(self.before[self.active])
        kernel = self.driver.kernel(self.active)
        self.after = None
        self.began = now()
        with self.driver.load() as load:
            self.load = load
            self.body()
            self.client = load.stop()
        self.ended = now()
        if self.after:
            self.guarded("tables", self.check_tables, kernel)
        self.guarded("roles", self.check_roles)
        self.guarded("the client's view", self.check_client)
        self.guarded("holders", self.check_holders)
        if self.wrong and not self.evidence:
            self.evidence = self.look()
        return self.verdict("broken" if self.wrong else "held", self.wrong)

    def lacks(self):
        for need in self.row.needs:
            why = need(self.driver) if callable(need) \
                else self.driver.lacks(need)
            if why:
                return why
        return None

    def body(self):
        """The fault, and the way back, which nothing interrupts."""
        stop = None
        try:
            self.guarded("drill", self.row.fn, self)
        except KeyboardInterrupt as e:
            stop = e
            self._say("interrupted: putting things right first")
        with uninterrupted(self._say):
            while self._undo:
                fn, args = self._undo.pop()
                self.guarded("restoring", fn, *args)
            self.guarded("restoring", self.settle_again)
            if self.wrong:
                self.evidence = self.look()
            if not self.after:
                self._say("  not settled: rebuilding")
                self.guarded("rebuild", self.driver.rebuild)
        if stop:
            raise stop

    def settle_again(self):
        self.now_active, self.now_standby = self.wait_settled()
        self.after = self.last
        self.say(f"settled: {self.now_active} active, {self.now_standby} "
                 "standby")

    def look(self):
        """What both directors say, for who wants to know why."""
        keys = ("role", "epoch", "seq", "why", "text", "alarms", "peer",
                "replica", "beats", "paths", "link", "uplink", "transitions")
        return {n: {**{k: (s or {}).get(k) for k in keys},
                    "machine": self.machine(n)}
                for n, s in self.driver.statuses().items()}

    def machine(self, node):
        """Who is busy there, and do its timers go on? The second answer is
        asked for apart: it does not come where they do not."""
        out = []
        for cmd in ("cat /proc/uptime; ps -eo pid,cls,rtprio,stat,time,comm "
                    "--sort=-time | head -9; cat /proc/interrupts",
                    "sleep 0.2; cat /proc/uptime /proc/interrupts"):
            try:
                out.append(str(self.driver.run(node, cmd, check=False,
                                               timeout=3))[:MACHINE_CHARS])
            except (DriverError, OSError) as e:
                out.append(str(e))
        return out

    def guarded(self, what, fn, *args):
        try:
            return fn(*args)
        except Broken as e:
            self.check(False, str(e))
        except (DriverError, OSError) as e:
            self.check(False, f"{what}: {e}")
        except Exception as e:          # a bug of the drill is a verdict too
            self.check(False, f"{what}: {type(e).__name__}: {e}")
            self._say(traceback.format_exc())
        return None

    # -- what must hold --------------------------------------------------

    def check_tables(self, kernel):
        a, b = self.now_active, self.now_standby
        if self.row.same_table:
            got = table_of(self.after[a])
            self.check(got == self.table,
                       f"the table changed: {differs(self.table, got)}")
        self.check(table_of(self.after[a]) == table_of(self.after[b]),
                   "the directors have different tables")
        # what was set by hand in the last moment may still be on its way
        with contextlib.suppress(Broken):
            self.wait(lambda: self.driver.kernel(a) == self.driver.kernel(b),
                      "equal kernels", 3)
        ka, kb = at_once(lambda: self.driver.kernel(a),
                         lambda: self.driver.kernel(b))
        self.check(ka == kb, "the kernels' tables differ: "
                   f"{sorted(set(ka) ^ set(kb))}")
        if self.row.same_table and self.table == table_of(
                self.before[self.active]):
            self.check(ka == kernel, "the kernel's table changed: "
                       f"{sorted(set(ka) ^ set(kernel))}")

    def moved(self):
        return self.after[self.now_active]["epoch"] - self.epoch

    def check_roles(self):
        if not self.after or self.row.moves is ANY:
            return
        moved = self.moved()
        self.check(moved == self.row.moves,
                   f"{moved} changes of roles, {self.row.moves} expected")
        want = (self.active, self.standby)[self.row.moves % 2]
        self.check(self.now_active == want,
                   f"{self.now_active} is active, {want} expected")

    def outage_max_ms(self):
        if self.row.outage is DETECT:
            return self.driver.conf.silence_ms + NOISE_S * 1000 + self.extra_ms
        return self.row.outage

    def check_client(self):
        c = self.client
        if not c:
            return
        most = self.outage_max_ms()
        if most is not ANY:
            self.check(c["outage_ms"] <= most, f"outage {c['outage_ms']:.0f} "
                       f"ms, at most {most:.0f} expected ({c['failed']} "
                       "failed)" if most else f"{c['failed']} of "
                       f"{c['attempts']} new connections failed")
        self.check(c["ok"] > 0, "no traffic ran")
        for key in ("reset", "hung"):
            limit = getattr(self.row, key)
            if limit is not ANY:
                self.check(c[key] <= limit, f"{c[key]} of "
                           f"{c['established']} established connections "
                           f"{key}")

    def check_holders(self):
        self.held = {a: self.driver.holders(a, self.began, self.ended)
                     for a in self.driver.conf.vips}
        for addr, h in self.held.items():
            if self.row.overlap_ms is not ANY:
                self.check(h["longest_overlap_ms"] <=
                           self.row.overlap_ms + SEEN,
                           f"two held {addr} for {h['longest_overlap_ms']:.0f}"
                           f" ms, at most {self.row.overlap_ms} expected")
            if self.after:
                self.check(h["at_end"] == [self.now_active],
                           f"{addr} is held by {h['at_end']}, not by "
                           f"{self.now_active} alone")

    # -- verdict ---------------------------------------------------------

    def verdict(self, word, why):
        held = getattr(self, "held", {})
        worst = max((h["longest_overlap_ms"] for h in held.values()),
                    default=None)
        gap = max((h["longest_gap_ms"] for h in held.values()), default=None)
        after = getattr(self, "after", None)
        return {
            "drill": self.row.name, "verdict": word, "why": why,
            "at": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "seconds": round(time.monotonic() - self.t0, 2),
            "active": self.active, "active_after":
                self.now_active if after else None,
            "moved": self.moved() if after else None,
            "client": self.client, "overlap_ms": worst, "gap_ms": gap,
            "holders": {a: spans(h) for a, h in held.items()},
            "steps": self.steps, "evidence": self.evidence,
        }


def differs(a, b):
    """The first rows of two tables that differ, as text."""
    rows = [f"{s}: {x} -> {y}" for s in a if s in b
            for x, y in zip(a[s], b[s]) if x != y]
    rows += [f"service {s}" for s in set(a) ^ set(b)]
    rows += [f"{s}: {len(a[s])} -> {len(b[s])} servers"
             for s in a if s in b and len(a[s]) != len(b[s])]
    return "; ".join(rows[:3])


def spans(h):
    """Who held an address when, in ms from the start of the drill."""
    return [{"at_ms": round((s["from"] - h["t0"]) / 1000, 1),
             "for_ms": round((s["to"] - s["from"]) / 1000, 1),
             "holders": s["holders"]} for s in h["segments"]]


@contextlib.contextmanager
def uninterrupted(say):
    """Ctrl-C does not stop what is inside."""
    try:
        old = signal.signal(signal.SIGINT, lambda *_: say(
            "  (being put right; please wait)"))
    except ValueError:                  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)


def err(text=""):
    print(text, file=sys.stderr, flush=True)
