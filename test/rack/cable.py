"""cable: a null-modem cable between two pseudo terminals.

    cable.py LINK_A LINK_B [BAUD]

Makes two ptys, links their names as LINK_A and LINK_B and copies bytes both
ways, at BAUD bits per second (10 per byte) when given. It holds both ends
open: bytes for a full or dead end are lost, as on a real line. SIGUSR1 cuts the
cable (bytes are lost), SIGUSR2 mends it. More is asked for on standard input:

    garble 1|0          every byte comes out as another: a wrong speed
    write a|b HEX       bytes for that end, as if they came from the other
    drop a|b PID        the modem lines at that end drop: it hangs up
    raise a|b           they are back: a new pty, linked by the old name

Each is answered by a line on standard output when it is done. PID is the
machine that has the end open, 0 for none: a User Mode Linux looks at its files
when it gets SIGIO, and the kernel sends none when a pty hangs up.
"""
import contextlib
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
import tty

CHUNK_BYTES = 4096
UNREAD_BYTES = 3072     # of 4095 that a terminal holds: 0.27 s at 115200
WRONG = bytes((i * 7 + 0x55) & 0xff for i in range(256))


class End:
    """One plug: reads what the machine there writes."""

    def __init__(self, link):
        self.link = link
        self.free_at = 0.0              # when the line out of here is idle
        self.plug()

    def plug(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        os.symlink(os.ttyname(self.slave), self.link + ".new")
        os.rename(self.link + ".new", self.link)

    def drop(self, pid):
        if self.master is not None:
            os.close(self.master)
            os.close(self.slave)
            self.master = None
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGIO)

    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD,
                                              b"\0\0\0\0"))[0]

    def write(self, data):
        """What nobody read is lost, not what comes now: a machine that opens
        a line whose queue is full is never told that there is something, for
        the kernel wakes nobody for bytes that find no place. (They are taken
        all the same, 64 KiB of them.)"""
        if self.master is None:
            return
        if self.unread() > UNREAD_BYTES:
            termios.tcflush(self.slave, termios.TCIFLUSH)
        with contextlib.suppress(BlockingIOError):
            os.write(self.master, data)


class Cable:
    def __init__(self, link_a, link_b, baud):
        self.a, self.b, self.baud = End(link_a), End(link_b), baud
        self.cut = self.wrong = False

    def copy(self, src, dst):
        """Moves what there is, a few bytes at a time if it has a speed."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(src.master, CHUNK_BYTES if not self.baud else
                           max(1, self.baud // 10000))
            if self.baud:
                now = time.monotonic()
                src.free_at = (max(src.free_at, now) +
                               len(data) * 10 / self.baud)
            if not self.cut:
                dst.write(data.translate(WRONG) if self.wrong else data)

    def order(self, words):
        end = {"a": self.a, "b": self.b}.get(words[1])
        if words[0] == "garble":
            self.wrong = words[1] == "1"
        elif words[0] == "write":
            end.write(bytes.fromhex(words[2]))
        elif words[0] == "drop":
            end.drop(int(words[2]))
        elif words[0] == "raise" and end.master is None:
            end.plug()

    def step(self):
        now = time.monotonic()
        here = [e for e in (self.a, self.b) if e.master is not None]
        busy = [e.free_at - now for e in here if e.free_at > now]
        ready, _, _ = select.select(
            [0] + [e.master for e in here if e.free_at <= now], [], [],
            min(busy) if busy else None)
        for src, dst in ((self.a, self.b), (self.b, self.a)):
            if src.master in ready:
                self.copy(src, dst)
        if 0 in ready:
            text = os.read(0, CHUNK_BYTES)
            if not text:
                sys.exit()              # the rack is gone
            for line in text.decode().splitlines():
                self.order(line.split())
                print("done", flush=True)


def main():
    cable = Cable(sys.argv[1], sys.argv[2],
                  int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    signal.signal(signal.SIGUSR1, lambda *_: setattr(cable, "cut", True))
    signal.signal(signal.SIGUSR2, lambda *_: setattr(cable, "cut", False))
    while True:
        cable.step()


main()
