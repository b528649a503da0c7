#!/usr/bin/python3
"""test_top: yoke top on a terminal of 80x24 that pyte plays: the screen is the
golden one, with and without colour; keys scroll and quit; a change of size is
followed. usage: test_top.py YOKE INSTANCE GOLDEN. Exits 1 with a line that says
what is wrong."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pyte

DEADLINE = 20
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?3[0-7](?:;[0-9;]*)?m")


class Terminal:
    def __init__(self, command, more=None):
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="linux", TZ="UTC", LANG="C.UTF-8",
                              **(more or {}))
            # not before the size is known
            os.read(0, 1)
            os.execv(command[0], command)
        self.resize(80, 24)
        os.write(self.fd, b"\n")

    def resize(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def text(self):
        lines = [line.rstrip() for line in self.screen.display]
        return "\n".join(lines) + "\n"

    def wait(self, done, what):
        end = time.monotonic() + DEADLINE
        while not done(self.text()):
            left = end - time.monotonic()
            if left <= 0:
                sys.exit(f"in vain: {what}; got {self.text()!r}")
            if select.select([self.fd], [], [], min(left, 0.2))[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    sys.exit(f"it ended before: {what}; {self.text()!r}")
                self.raw += data
                self.stream.feed(data)

    def end(self):
        os.write(self.fd, b"q")
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.raw += os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
        os.kill(self.pid, signal.SIGKILL)
        sys.exit("q does not end it")


def main():
    yoke, instance, golden = sys.argv[1:]
    with open(golden) as f:
        want = f.read()
    command = [yoke, "-i", instance, "top"]
    t = Terminal(command)
    # a second status has rates: none, as nothing moved
    t.wait(lambda text: text.replace(" 0     0\n", " -     -\n") == want,
           "the golden screen")
    if not COLOUR.search(t.raw):
        sys.exit("no colour")
    t.resize(100, 40)
    os.kill(t.pid, signal.SIGWINCH)
    t.wait(lambda text: "q quit" in text.split("\n")[39], "the new size")
    if t.end() != 0:
        sys.exit("it ends badly")
    t = Terminal(command, {"NO_COLOR": "1"})
    t.wait(lambda text: text.replace(" 0     0\n", " -     -\n") == want,
           "the golden screen without colour")
    if COLOUR.search(t.raw):
        sys.exit("colour in spite of NO_COLOR")
    if t.end() != 0:
        sys.exit("it ends badly")
    print("as it should be")


if __name__ == "__main__":
    main()
