#!/usr/bin/python3
"""Drills: faults made on purpose on a pair of directors, with a verdict.

    yoke drill list                what there is
    yoke drill run NAME...         these
    yoke drill all                 all that can be done here
    yoke drill soak --for 30m      at random, until the time is over or one breaks

What it does and finds goes to standard error, one JSON object per drill to
standard output (or --json FILE). Exit code 0: all held; 1: one did not; 2: none
could be done or wrong usage. drill.py says what a drill is; a file faults_*.py
has a family of them; driver_*.py know how to make a fault at a place.
"""
import argparse
import contextlib
import glob
import importlib.util
import json
import os
import random
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from drill import ANY, DETECT, ROWS, Run, err               # noqa: E402
from driver import DriverError                              # noqa: E402

# one connection for all: a drill looks at a director many times a second
SSH = ("ssh -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=2 "
       "-o ServerAliveCountMax=2 -o ControlMaster=auto -o ControlPersist=30 "
       "-o ControlPath=/run/yoke-drill-%C root@{host}")
RACK = os.path.join(HERE, "..", "..", "test", "rack", "driver_rack.py")


def load_file(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_drills():
    for path in sorted(glob.glob(f"{HERE}/faults_*.py")):
        load_file(path)


def make_driver(opt):
    path = {"rack": RACK, "ssh": f"{HERE}/driver_ssh.py"}.get(
        opt.driver, opt.driver)
    if not os.path.exists(path):
        raise DriverError(f"no driver {path}")
    settings = dict(s.partition("=")[::2] for s in opt.set)
    return load_file(path).make(settings if opt.driver != "ssh" else opt)


# -- what people read ----------------------------------------------------

def amount(value, unit=""):
    return "-" if value is None else f"{value:.0f}{unit}"


def expected(row):
    moves = {ANY: "roles may change", 0: "no change of roles",
             1: "one change of roles"}.get(
                 row.moves, f"{row.moves} changes of roles")
    out = {ANY: "service may stop meanwhile", 0: "no connection fails",
           DETECT: "an outage as short as detection"}.get(
               row.outage, f"an outage of at most {row.outage} ms")
    return f"{moves}, {out}"


def holders_line(spans):
    return ", ".join(f"{'+'.join(s['holders']) or 'nobody'} "
                     f"{s['for_ms']:.0f}" for s in spans)


def verdict_line(v):
    c = v["client"]
    parts = []
    if v["active_after"]:
        parts.append(f"moved {v['moved']} ({v['active']} -> "
                     f"{v['active_after']})")
    if c:
        noise = f" ({c['noise']} more are our own noise)" if c["noise"] else ""
        parts.append(f"failed {c['failed']}/{c['attempts']}{noise}, outage "
                     f"{c['outage_ms']:.0f} ms, reset {c['reset']}, hung "
                     f"{c['hung']} of {c['established']}, stall "
                     f"{amount(c['stall_ms'])} ms")
    elif v["verdict"] != "skipped":
        parts.append("client's view not measured")
    if v["overlap_ms"] is not None:
        parts.append(f"two holders {v['overlap_ms']:.0f} ms")
    return (f"{v['verdict'].upper():8} {v['drill']:24} "
            f"{'; '.join(parts)}  {v['seconds']:.1f} s")


def show(v):
    err(verdict_line(v))
    for why in v["why"]:
        err(f"         {why}")
    for addr, spans in v["holders"].items():
        err(f"         holders of {addr}, ms: {holders_line(spans)}")


def table(results):
    """One row a drill, over all its runs."""
    err(f"\n{'drill':24} {'runs':>4} {'held':>4} {'outage ms':>11} "
        f"{'failed':>6} {'reset':>5} {'hung':>4} {'moved':>5} "
        f"{'two ms':>6} {'s':>5}")
    err(f"{'':24} {'':>4} {'':>4} {'median  max':>11}")
    rows = {}
    for v in results:
        rows.setdefault(v["drill"], []).append(v)
    for name, vs in rows.items():
        done = [v for v in vs if v["verdict"] != "skipped"]
        if not done:
            err(f"{name:24}    - skipped: {vs[0]['why'][0]}")
            continue
        clients = [v["client"] for v in done if v["client"]]
        outages = [c["outage_ms"] for c in clients]
        err(f"{name:24} {len(done):4} "
            f"{sum(v['verdict'] == 'held' for v in done):4} "
            f"{amount(statistics.median(outages) if outages else None):>6} "
            f"{amount(max(outages, default=None)):>4} "
            f"{sum(c['failed'] for c in clients):6} "
            f"{sum(c['reset'] for c in clients):5} "
            f"{sum(c['hung'] for c in clients):4} "
            f"{sum(v['moved'] or 0 for v in done):5} "
            f"{amount(max((v['overlap_ms'] or 0 for v in done))):>6} "
            f"{statistics.median(v['seconds'] for v in done):5.1f}")


# -- doing it ------------------------------------------------------------

def agreed(driver, row, opt):
    if not driver.live or opt.yes:
        return True
    with open("/dev/tty") as tty:
        err("This pair may have clients. Go on? [y/N]")
        return tty.readline().strip().lower() in ("y", "yes")


def announce(row):
    err(f"{row.name}: {row.says}; expected: {expected(row)}")


def one(row, driver, opt, rng):
    if not opt.quiet:
        announce(row)
    if not agreed(driver, row, opt):
        return {"drill": row.name, "verdict": "skipped", "why": ["not agreed"],
                "client": None, "active_after": None, "overlap_ms": None,
                "holders": {}, "seconds": 0, "moved": None}
    v = Run(row, driver, rng, err, not opt.quiet).go()
    show(v)
    return v


def planned(opt):
    """The rows to do, in order."""
    if opt.what == "soak":
        return [r for r in ROWS.values() if r.soak]
    if opt.what == "all":
        rows = [r for r in ROWS.values() if r.quick or not opt.quick]
        return [r for r in rows if r.name not in opt.without]
    bad = [n for n in opt.names if n not in ROWS]
    if bad or not opt.names:
        raise DriverError(f"no drill {bad[0]}" if bad else "which drill?")
    return [ROWS[n] for n in opt.names]


def schedule(opt, rows, rng, began):
    if opt.what != "soak":
        for i in range(opt.times):
            for row in rows:
                yield row
        return
    while time.monotonic() - began < opt.seconds:
        yield rng.choice(rows)


def go(opt, driver, sink):
    rng = random.Random(opt.seed)
    rows, results, began = planned(opt), [], time.monotonic()
    err(f"seed {opt.seed}")
    for row in schedule(opt, rows, rng, began):
        v = one(row, driver, opt, rng)
        v["seed"], v["number"] = opt.seed, len(results)
        results.append(v)
        if sink:
            sink.write(json.dumps(v) + "\n")
            sink.flush()
        if v["verdict"] == "not begun":
            err("the pair was not in good order: nothing is begun on it")
            break
        if v["verdict"] == "broken" and (opt.stop or opt.what == "soak"):
            err(f"stopped at the first that did not hold; seed {opt.seed}, "
                f"drill number {len(results)}")
            break
    return results


def duration(text):
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a duration: 30m") from None


def options(argv):
    p = argparse.ArgumentParser(
        prog="yoke drill", description=__doc__.split("\n\n")[0],
        epilog="yoke-drill(8) says more.")
    p.add_argument("what", choices=("list", "run", "all", "soak"))
    p.add_argument("names", nargs="*", metavar="NAME")
    p.add_argument("--yes", action="store_true", help="do not ask")
    p.add_argument("--times", type=int, default=1, help="each so often")
    p.add_argument("--for", type=duration, default=1800, dest="seconds",
                   metavar="30m", help="soak: for so long")
    p.add_argument("--seed", type=int,
                   default=int.from_bytes(os.urandom(3), "big"))
    p.add_argument("--stop", action="store_true", help="at the first that "
                   "does not hold")
    p.add_argument("--quick", action="store_true", help="all: a handful")
    p.add_argument("--without", action="append", default=[], metavar="NAME",
                   help="all: but not this one")
    p.add_argument("--json", metavar="FILE", help="the verdicts go here")
    p.add_argument("--quiet", action="store_true", help="verdicts only")
    p.add_argument("--driver", default="ssh", metavar="ssh|rack|FILE",
                   help="where the pair is")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                   help="for the driver, if it is not ssh")
    ssh = p.add_argument_group("for a live pair (driver ssh)")
    ssh.add_argument("--conf", default="/etc/yoke/yoke.conf")
    ssh.add_argument("--instance", default="")
    ssh.add_argument("--yoke", default="yoke", help="the command there")
    ssh.add_argument("--host", action="append", default=[],
                     metavar="NODE=HOST", help="if ssh knows it by another "
                     "name")
    ssh.add_argument("--remote", default=SSH, metavar="COMMAND",
                     help="runs the shell command that is put after it on "
                     "{host}, or {node}")
    ssh.add_argument("--service", default="systemctl {action} {unit}",
                     metavar="COMMAND", help="starts and stops a service")
    ssh.add_argument("--power-off", metavar="COMMAND", help="cuts {node}'s "
                     "power, as a fence agent or ipmitool does")
    ssh.add_argument("--power-on", metavar="COMMAND")
    ssh.add_argument("--url", help="what clients ask for, through the virtual "
                     "address; without it their view is not measured")
    return p.parse_intermixed_args(argv)


def print_list():
    for row in ROWS.values():
        print(f"{row.name:24} It {row.says}.\n{'':24} Expected: "
              f"{expected(row)}.")


def main(argv):
    opt = options(argv)
    load_drills()
    if opt.what == "list":
        print_list()
        return 0
    try:
        planned(opt)
    except DriverError as e:
        err(f"yoke drill: {e}")
        return 2
    sink = open(opt.json, "w") if opt.json else sys.stdout
    with contextlib.ExitStack() as stack:
        if opt.json:
            stack.callback(sink.close)
        try:
            driver = make_driver(opt)
        except DriverError as e:
            err(f"yoke drill: {e}")
            return 2
        stack.callback(driver.close)
        results = go(opt, driver, sink)
    if len(results) > 1:
        table(results)
    words = [v["verdict"] for v in results]
    err(f"{words.count('held')} held, {words.count('broken')} did not, "
        f"{words.count('skipped')} skipped, {words.count('not begun')} not "
        "begun")
    if "broken" in words or "not begun" in words:
        return 1
    return 0 if "held" in words else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
