"""ticks: a machine's clock goes on after it lost an interrupt.

A User Mode Linux's timer is a signal for the next thing that is due, and only
that signal's handler asks for the next one. If one is lost, no timer fires any
more: the machine answers packets, and what is not woken by one sleeps for ever.
A machine in that state was seen once in about 2500 drills; taking one signal
away makes it (selftest.py). Who loses one is not known for certain; Linux 6.1
can where it has one pending inside the handler (arch/um/os-Linux/signal.c,
unblock_signals(): "Do not reenter the handler"). One more signal and the machine
catches up, so there is one every now and then.
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
