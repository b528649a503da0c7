"""ticks: a machine's clock goes on after it lost an interrupt.

A User Mode Linux's timer is a signal for the next thing that is due. When it
comes while the kernel works off what an earlier one brought, Linux 6.1 drops it
(arch/um/os-Linux/signal.c, unblock_signals(): "Do not reenter the handler"); and
as only that signal's handler asks for the next, no timer fires any more: what
is not woken by a packet sleeps for ever. Seen once in about 2500 drills. One
more signal and it catches up, so there is one every now and then.
"""
import signal
import threading

EVERY_S = 0.02      # how long a machine stands still at most: two of its ticks


class Ticks(threading.Thread):
    """Of one machine, from when it has started: before, the signal would
    kill it."""

    def __init__(self, proc):
        super().__init__(name="ticks", daemon=True)
        self.proc, self._end = proc, threading.Event()

    def run(self):
        while not self._end.wait(EVERY_S):
            self.proc.send_signal(signal.SIGALRM)

    def stop(self):
        self._end.set()
