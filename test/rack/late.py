"""late: how late the host runs a process that is above all directors.

    late.py FILE        until its standard input ends

Sleeps 5 ms again and again and writes the worst delay so far, in ms, to FILE:
what a test may add to the time that it allows on this machine, today.
"""
import os
import select
import sys
import time

TICK_S = 0.005


def main(path):
    worst, fd = -1.0, os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    due = time.monotonic()
    while not select.select([0], [], [], max(0, due - time.monotonic()))[0]:
        now = time.monotonic()
        if (now - due) * 1000 > worst:
            worst = (now - due) * 1000
            os.pwrite(fd, b"%12.3f" % worst, 0)
        due = now + TICK_S


if __name__ == "__main__":
    main(sys.argv[1])
