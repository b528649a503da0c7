#!/usr/bin/python3
"""yoke checkpoint on a live pair: what is written while it serves can be looked
at and checked; the history of roles goes from term to term; an export that is
imported after both stopped is what the next director begins with."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import Pair, BIN, CONF                            # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()


def yoke(pair, node, args):
    """(exit code, both outputs)"""
    out = pair.rack.run(
        node, f"{BIN}/yoke -c {CONF} -n {node} checkpoint {args} 2>&1; "
        "r=$?; echo; echo $r", check=False, timeout=15)
    lines = out.rstrip().splitlines()
    return int(lines[-1]), "\n".join(lines[:-1]).strip()


def history(pair, node):
    return json.loads(yoke(pair, node, "history --json")[1])["roles"]


def takes(pair, node):
    return [(r["node"], r["why"]) for r in history(pair, node)
            if r["event"] == "take"]


def living(pair, a):
    c = pair.status(a)["checkpoint"]
    auto = c["auto"]
    t.ok(auto["enabled"] and auto["cost_us"] > 0 and
         c["interval_ms"] == auto["chosen_ms"], "Tc is auto, measured", auto)
    t.ok(c["storage"] in ("local", "nfs"), f"on {c['storage']} storage")
    files = json.loads(yoke(pair, a, "list --json")[1])["files"]
    t.is_((files[0]["state"], files[0]["epoch"]),
          ("live", pair.status(a)["epoch"]), "the newest file is live")
    t.is_(yoke(pair, a, "verify")[0], 0, "whole, while it is written")
    rc, out = yoke(pair, a, "export %d /run/export" % files[0]["epoch"])
    t.is_(rc, 0, "exported")
    rc, out = yoke(pair, a, "import /run/export")
    t.ok(rc == 1 and "is active" in out, "no import meanwhile", out)


def terms(rack, pair, a, b):
    first = takes(pair, a)
    t.is_(len(first), 1, "one director went active so far")
    pair.kill(a, "yoked")
    pair.wait_role(b, "active")
    pair.start_daemon(a, "yoked")
    pair.wait_settled()
    wait_for(lambda: len(takes(pair, b)) == 2, 10, "the carried history")
    got = takes(pair, b)
    t.is_(got[0], first[0], "the first term's is there")
    t.ok(got[1][1] in ("process-died", "silence"), "and why b took over", got)
    wait_for(lambda: pair.status(b)["checkpoint"]["auto"]["failures"] == 1,
             15, "the failure to count")
    auto = pair.status(b)["checkpoint"]["auto"]
    t.is_(auto["mtbf_from"], "history", "Tc knows of it")


def imported(rack, pair, a, b):
    pair.yoke(b, "server weight web rs1 77")
    wait_for(lambda: pair.status(b)["checkpoint"]["lag_changes"] == 0, 5,
             "the change on storage")
    epoch = pair.status(b)["epoch"]
    t.is_(yoke(pair, b, f"export {epoch} /run/e2")[0], 0, "exported")
    pair.yoke(b, "server weight web rs1 78")
    for n in (a, b):
        for name in ("yoked", "yoke-checkpointd"):
            pair.kill(n, name, "TERM")
    rack.run(b, "sleep 2")
    rc, out = yoke(pair, b, "import /run/e2")
    t.is_((rc, out.split(",")[0]), (0, "epoch %d" % (epoch + 1)), out)
    for name in ("yoke-checkpointd", "yoked"):
        pair.start_daemon(b, name)
    pair.wait_role(b, "active", 10)
    r = pair.status(b)["restored"]
    t.is_((r["from"], r["epoch"]), ("checkpoint", epoch + 1),
          "a start begins with what was imported")
    t.is_(pair.table(b)["web"]["rs1"], 77, "its weights")


def main():
    with Rack() as rack:
        pair = Pair(rack, interval="200ms", misses=10,
                    checkpoint_interval="auto")
        t.dump = pair.dump
        with t.part("a live pair"):
            pair.start()
            a, b = pair.wait_settled()
            living(pair, a)
            with t.part("terms"):
                terms(rack, pair, a, b)
                with t.part("import"):
                    imported(rack, pair, a, b)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
