"""tap: what the rack's tests print for prove(1).

    from tap import T
    t = T()
    t.ok(cond, "what must hold", detail)
    t.is_(got, want, "what must be equal")
    sys.exit(t.done())
"""
import contextlib
import os
import sys
import time
import traceback


class T:
    def __init__(self):
        self.count = self.failed = 0
        self.start = time.monotonic()
        self.dump = None    # called when a part fails: what to look at

    def ok(self, cond, text, detail=None):
        """One line of TAP; detail is shown when it failed. Returns cond."""
        self.count += 1
        print(f"{'ok' if cond else 'not ok'} {self.count} - {text}",
              flush=True)
        if not cond:
            self.failed += 1
            if detail is not None:
                self.note(detail)
        return bool(cond)

    def is_(self, got, want, text):
        return self.ok(got == want, text, f" got {got!r}\nwant {want!r}")

    def note(self, text):
        for line in str(text).rstrip("\n").split("\n"):
            print(f"#   {line}", flush=True)

    @contextlib.contextmanager
    def part(self, text):
        """A group of tests: what it raises fails one test, not the rest."""
        start = time.monotonic()
        print(f"# {text}", flush=True)
        try:
            yield
        except Exception as e:
            why = (str(e).splitlines() or [""])[0].replace("#", "")
            self.ok(False, f"{text}: {type(e).__name__}: {why}",
                    traceback.format_exc())
            with contextlib.suppress(Exception):
                self.note(self.dump() if self.dump else "")
        if os.environ.get("TAP_TIMES"):
            self.note(f"{text}: {time.monotonic() - start:.1f} s")

    def done(self):
        """The plan; the exit code."""
        print(f"1..{self.count}", flush=True)
        took = time.monotonic() - self.start
        print(f"# {self.count - self.failed} of {self.count} passed in "
              f"{took:.0f} s", file=sys.stderr)
        return 1 if self.failed else 0
