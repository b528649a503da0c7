"""metronome: when did this machine not run us? A process on each processor, of
higher priority than anything measured, sleeps 1 ms over and over; when it wakes
late nobody else could run there either, whoever took the time (the machine
below a virtual one does). What is measured is excused for such times only."""
import multiprocessing
import os
import signal
import time

TICK = 0.001
LATE = 0.003
PRIORITY = 90


def _tick(cpu, pipe):
    os.sched_setaffinity(0, {cpu})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        pass            # then it excuses too much rather than too little
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pauses, was = [], time.monotonic()
    while not pipe.poll():
        time.sleep(TICK)
        now = time.monotonic()
        if now - was > TICK + LATE:
            pauses.append((was + TICK, now))
        was = now
    pipe.send(pauses)


class Metronome:
    """with Metronome() as m: ...; then m.pauses: [(from, to)], monotonic."""

    def __enter__(self):
        self.pipes, self.procs, self.pauses = [], [], []
        for cpu in sorted(os.sched_getaffinity(0)):
            ours, theirs = multiprocessing.Pipe()
            p = multiprocessing.Process(target=_tick, args=(cpu, theirs))
            p.start()
            self.pipes.append(ours)
            self.procs.append(p)
        return self

    def __exit__(self, *_):
        for pipe, p in zip(self.pipes, self.procs):
            pipe.send(None)
            self.pauses += pipe.recv()
            p.join()

    def paused(self, start, end):
        """Seconds between the two in which some processor stood still."""
        total, at = 0.0, start
        for a, b in sorted(self.pauses):
            a, b = max(a, at), min(b, end)
            if b > a:
                total += b - a
                at = b
        return total

    def worst(self):
        return max((b - a for a, b in self.pauses), default=0.0)
