#!/usr/bin/python3
"""A handful of the drills of contrib/drills; `make drills` does all of them."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from driver_rack import blame                               # noqa: E402
from cards import shape                                     # noqa: E402
from tap import T                                           # noqa: E402

RUNNER = f"{HERE}/../../contrib/drills/run.py"

t = T()


def attempts(until, bad, away=(0, 0)):
    """One every 5 ms, failing in `bad`, none in `away` (ms)."""
    return [(x, "timeout" if bad[0] <= x < bad[1] else "ok")
            for x in range(0, until, 5) if not away[0] < x < away[1]]


t.is_(len(blame(attempts(3000, (500, 1000), (1000, 1235)))[0]), 100,
      "a client that was away for a moment does not excuse an outage")
ways = [shape(f"enp129s0f0np{i}", "192.0.2.1", "loss 1%").split("link add ")[1]
        .split()[0] for i in (0, 1)]
t.ok(ways[0] != ways[1] and all(len(w) <= 15 for w in ways),
     f"two cards with long names have two ways around: {ways}")
t.is_(blame(attempts(3000, (500, 505), (505, 1700))), ([], 1),
      "one that was away for all of it does")
done = subprocess.run([RUNNER, "all", "--quick", "--quiet", "--driver", "rack"],
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      text=True)
verdicts = [json.loads(line) for line in done.stdout.splitlines()]
for v in verdicts:
    t.ok(v["verdict"] == "held", f"drill {v['drill']}", "\n".join(v["why"]))
t.ok(len(verdicts) >= 3, "drills were done", done.stderr)
t.is_(done.returncode, 0, "exit code 0: all held")
t.note(done.stderr)
sys.exit(t.done())
