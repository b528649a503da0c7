#!/usr/bin/python3
"""test_lvs: runs test_lvs_kernel and test_lvs_traffic in a director of the
rack, where the kernel has IPVS. Their output is shown as TAP comments; each
program is one test here. BIN names the folder of the programs."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from rack import Rack                                       # noqa: E402

# The one that measures comes first: see "deleted servers" in ha/lvs_nl.c.
PROGRAMS = ("test_lvs_traffic", "test_lvs_kernel")


def run(rack, program, number):
    path = os.path.join(BIN, program)
    out = rack.run("d1", path, timeout=60, check=False)
    for line in out.splitlines():
        print("#  ", line)
    passed = len(re.findall(r"^ok ", out, re.M))
    plan = re.search(r"^1\.\.(\d+)$", out, re.M)
    good = (out.returncode == 0 and plan is not None
            and int(plan.group(1)) == passed > 0)
    print("ok" if good else "not ok", number, "-", program,
          f"({passed} tests)", flush=True)
    return good


def main():
    with Rack() as rack:
        good = [run(rack, p, i + 1) for i, p in enumerate(PROGRAMS)]
    print(f"1..{len(PROGRAMS)}")
    return 0 if all(good) else 1


BIN = os.path.abspath(os.environ.get(
    "BIN", os.path.join(HERE, "..", "..", "build", "bin")))

if __name__ == "__main__":
    sys.exit(main())
