"""cable: a null-modem cable between two pseudo terminals.

    cable.py LINK_A LINK_B [BAUD]

Makes two ptys, links their names as LINK_A and LINK_B and copies bytes both
ways, at BAUD bits per second (10 per byte) when given. It holds both ends
open, so a machine that dies does not hang up on the other one, and bytes for
a full or dead end are lost, as on a real line. SIGUSR1 cuts the cable (bytes
are lost), SIGUSR2 mends it.
"""
import os
import select
import signal
import sys
import time
import tty

CHUNK_BYTES = 4096


class End:
    """One plug: reads what the machine there writes."""

    def __init__(self, link):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.free_at = 0.0              # when the line out of here is idle
        os.symlink(os.ttyname(self.slave), link + ".new")
        os.rename(link + ".new", link)


def copy(src, dst, baud, cut):
    """Moves what there is, one byte at a time if the line has a speed."""
    try:
        data = os.read(src.master, CHUNK_BYTES if not baud else
                       max(1, baud // 1000))
        if baud:
            now = time.monotonic()
            src.free_at = max(src.free_at, now) + len(data) * 10 / baud
        if not cut:
            os.write(dst.master, data)
    except BlockingIOError:
        pass                            # full: lost, as on a real line


def main():
    a, b = End(sys.argv[1]), End(sys.argv[2])
    baud = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    cut = []
    signal.signal(signal.SIGUSR1, lambda *_: cut.append(1))
    signal.signal(signal.SIGUSR2, lambda *_: cut.clear())
    while True:
        now = time.monotonic()
        idle = [e for e in (a, b) if e.free_at <= now]
        busy = [e.free_at - now for e in (a, b) if e.free_at > now]
        ready, _, _ = select.select([e.master for e in idle], [], [],
                                    min(busy) if busy else None)
        for src, dst in ((a, b), (b, a)):
            if src.master in ready:
                copy(src, dst, baud, cut)


main()
