#!/usr/bin/python3
"""tail: what is growing too long: functions over 80 lines, files over 800,
headers over 170. Exits 1 when a limit of HACKING.md is broken."""
import re
import subprocess
import sys

LIMITS = ((".h", 170), (".c", 800))


def main():
    files = subprocess.run(["git", "ls-files", "*.c", "*.h"], check=True,
                           stdout=subprocess.PIPE).stdout.decode().split()
    bad = []
    for name in files:
        with open(name) as f:
            n = sum(1 for _ in f)
        limit = dict(LIMITS)[name[-2:]]
        if n > limit:
            bad.append(f"{name}: {n} lines, {limit} at most")
    tags = subprocess.run(["ctags", "-f", "-", "--fields=+ne", "--c-kinds=f",
                           "--languages=C", *files], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    for line in tags.splitlines():
        m = re.search(r"^(\S+)\t(\S+)\t.*line:(\d+).*end:(\d+)", line)
        if m and int(m[4]) - int(m[3]) + 1 > 80:
            bad.append(f"{m[2]}:{m[3]} {m[1]}: {int(m[4]) - int(m[3]) + 1} "
                       "lines, 80 at most")
    print("\n".join(bad) or "tail: nothing over a limit")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
