"""bench_place: a rack with one configuration, and one run there of one fault.

    with Place(config, rate) as place:
        r = place.run(fault)        # what became of the load, as a dict

Each run: the pair settled, a client's load through the VIP, the fault, the load
goes on; before the next one the fault is put right. After an exception the place is unusable.
"""
import contextlib
import random
import time

import bench_noise
from bench_client import client_view, vip_view
from rack import Rack, wait_for
from traffic import Traffic, Watch
from uml import Cut

BEFORE_S = 1.0          # young connections of every age up to that
BRIEF_S = 1.0           # load after a power cut where corosync is not awaited
NOTICE_S = 0.2          # judged for noise, after a fault that moves nothing
MOVE_S = 15             # until the standby serves, at most


def load(rack, rate):
    return Traffic(rack, rate=rate, established=50, young_rate=50,
                   extra=("--timeseries", f"{rack.dir}/attempts.csv"))


def report_of(t):
    """The prober's report; without one, why it ended."""
    try:
        return t.stop()
    except FileNotFoundError:
        with open(f"{t.dir}/err") as f:
            raise RuntimeError(f"prober: no report, exit code "
                               f"{t.proc.returncode}, {f.read()!r}") from None


def now():
    return Cut(time.clock_gettime(time.CLOCK_REALTIME),
               time.clock_gettime(time.CLOCK_MONOTONIC))


class Place:
    def __init__(self, config, rate):
        """rate: new connections a second."""
        self.config, self.rate = config, rate
        self.rack = Rack(rt=bench_noise.DIRECTORS, baud=config.serial)
        self.side = self.watch = self.heal = None
        self.used = False

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.rack)
            self.side = self.config.start(self.rack)
            self.side.settle()
            self.watch = Watch(self.rack)
            for node in self.rack.NODES:
                self.watch.start(node)
            stack.pop_all()
        return self

    def __exit__(self, *exc):
        self.rack.close()

    # -- power -----------------------------------------------------------

    def power_cut(self, node):
        cut = self.rack.power_cut(node)
        self.watch.killed(node, cut)
        return cut

    def power_on(self, node):
        self.rack.boot(node)
        self.watch.start(node)
        self.side.rejoin(node)

    # -- a run -----------------------------------------------------------

    def waited(self):
        return {n: bench_noise.waited_by_pid(self.rack, n)
                for n in self.rack.NODES if self.rack.powered(n)}

    def served(self):
        return self.rack.fetch(timeout=0.1) in self.rack.RS

    def await_effect(self, fault, standby):
        """Until the standby has the VIP and clients are served, or for as long
        as it takes to see that nothing moves."""
        if not fault.moves:
            time.sleep(NOTICE_S)
            return

        def moved():
            return standby in self.watch.holders()["at_end"] and self.served()
        wait_for(moved, MOVE_S, f"service by the standby, {standby}")

    def hurt(self, fault, active, standby, t):
        """Makes the fault in its time; what is known at the end of it."""
        make, heal = fault.cell(self.config)
        node = active if fault.hurts == "active" else standby
        self.heal = lambda: heal(self, node)
        busy = self.waited()
        t.mark()
        before = now()
        cut = make(self, node) or before
        took = time.monotonic() - before.monotonic
        self.await_effect(fault, standby)
        again = self.waited()
        window = time.monotonic() - before.monotonic
        time.sleep(fault.after_s or (self.side.AFTER_S if self.config.every
                                     else BRIEF_S))
        return {"cut": cut, "node": node, "busy": busy, "again": again,
                "window": window, "made_ms": took * 1000}

    def run(self, fault):
        self.put_right()
        self.used = True
        active, standby = self.side.settle()
        term = self.side.term(active)
        began = time.time()
        with load(self.rack, self.rate) as t:
            t.wait_ready()
            idle = self.waited()
            time.sleep(BEFORE_S + random.uniform(0, 0.1))
            h = self.hurt(fault, active, standby, t)
            report = report_of(t)
        held = self.watch.holders(t0=began, t1=time.time())
        r = client_view(report, f"{self.rack.dir}/attempts.csv")
        r |= vip_view(held, active, standby, h["cut"])
        r |= self.account(fault, active, standby, began, term, h)
        r["window_s"] = {"load": BEFORE_S, "cut": h["window"]}
        r["waited_ms"] = {
            "load": {n: bench_noise.waited_since(idle[n], w)
                     for n, w in h["busy"].items()},
            "cut": {n: bench_noise.waited_since(h["busy"][n], w)
                    for n, w in h["again"].items()}}
        return r

    def account(self, fault, active, standby, began, term, h):
        """Who says what about it afterwards."""
        ask = standby if fault.moves else active
        ahead = self.watch.ahead(ask)
        out = self.side.after(ask, began + ahead, h["cut"].realtime + ahead)
        if term is not None:
            out["terms"] = self.side.term(ask) - term
        return {**out, "cut": h["node"], "made_ms": h["made_ms"],
                "other_racks": bench_noise.other_racks(self.rack),
                "load_average": bench_noise.load_average()}

    def put_right(self):
        """The last run's fault; settle() waits for the end of it."""
        heal, self.heal = self.heal, None
        if heal:
            heal()
