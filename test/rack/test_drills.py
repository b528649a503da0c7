#!/usr/bin/python3
"""A handful of the drills of contrib/drills; `make drills` does all of them."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from tap import T                                           # noqa: E402

RUNNER = f"{HERE}/../../contrib/drills/run.py"

t = T()
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
