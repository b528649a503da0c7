"""load: a small client: new connections all the time, some that stay, and what
became of them. For places that have no better one; a thread of its own.

The report: attempts, ok, failed, outage_ms (the longest), spans, established,
reset, hung, stall_ms. A new connection fails when no whole answer came within
a second; one that stays is reset when it ends without having said so, hung
when nothing came for five.
"""
import asyncio
import contextlib
import threading
import time
import urllib.parse

PAUSE_S, TIMEOUT_S, HUNG_S = 0.02, 1.0, 5.0
ESTABLISHED, APART_S = 10, 0.25


class NoLoad:
    """The clients' view is not measured."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def stop(self):
        return None


class Load:
    def __init__(self, url):
        part = urllib.parse.urlsplit(url)
        if part.scheme != "http" or not part.hostname:
            raise ValueError(f"{url}: not an http:// address")
        self.host, self.port = part.hostname, part.port or 80
        path = part.path + (f"?{part.query}" if part.query else "") or "/"
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.request = {keep: (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: yoke-drill"
            f"\r\nConnection: {keep}\r\n\r\n").encode()
            for keep in ("close", "keep-alive")}
        self.attempts, self.tries = [], set()
        self.total = self.reset = self.hung = 0
        self.stall = 0.0
        self.loop, self.over = asyncio.new_event_loop(), False
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        if not self.ready.wait(10):
            self.stop()
            raise OSError(f"no answer from {self.host}:{self.port}")
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        self.over = True
        self.thread.join(HUNG_S + 5)
        bad = [t for t, good in self.attempts if not good]
        spans = outages(bad, self.start)
        return {"attempts": len(self.attempts),
                "ok": len(self.attempts) - len(bad), "failed": len(bad),
                "noise": 0, "spans": spans,
                "outage_ms": max((s["outage_ms"] for s in spans), default=0),
                "established": self.total, "reset": self.reset,
                "hung": self.hung, "stall_ms": round(self.stall * 1000, 1)}

    # -- in the thread -----------------------------------------------------

    def work(self):
        self.start = time.monotonic()
        self.loop.run_until_complete(self.main())

    async def main(self):
        stay = [asyncio.create_task(self.one_that_stays())
                for _ in range(ESTABLISHED)]
        while not self.over:
            task = asyncio.create_task(self.try_once())
            self.tries.add(task)
            task.add_done_callback(self.tries.discard)
            await asyncio.sleep(PAUSE_S)
        await asyncio.gather(*stay, *self.tries, return_exceptions=True)

    async def try_once(self):
        began, good = time.monotonic(), False
        with contextlib.suppress(OSError, asyncio.TimeoutError, EOFError,
                                 ValueError):
            await asyncio.wait_for(self.whole(), TIMEOUT_S)
            good = True
        self.attempts.append((began, good))

    async def whole(self):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            await self.ask(reader, writer, "close")
        finally:
            writer.close()

    async def ask(self, reader, writer, keep):
        """One request; is the connection to be used again?"""
        writer.write(self.request[keep])
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if head.split(None, 2)[1] >= "500":
            raise ValueError(head.splitlines()[0])
        lines = dict(line.split(": ", 1) for line in head.splitlines()
                     if ": " in line)
        if "content-length" in lines:
            await reader.readexactly(int(lines["content-length"]))
            return lines.get("connection") != "close"
        if keep == "close":
            await reader.read()
        return False

    async def one_that_stays(self):
        while not self.over:
            try:
                reader, writer = await asyncio.wait_for(
                    asyncio.open_connection(self.host, self.port), TIMEOUT_S)
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep(PAUSE_S)    # new ones are try_once's
                continue
            await self.stay(reader, writer)
            writer.close()

    async def stay(self, reader, writer):
        again, first = True, True
        self.total += 1
        while again and not self.over:
            began = time.monotonic()
            try:
                again = await asyncio.wait_for(
                    self.ask(reader, writer, "keep-alive"), HUNG_S)
            except asyncio.TimeoutError:
                self.hung += 1
                return
            except (OSError, EOFError, ValueError):
                self.reset += not first
                self.total -= first     # it never stood
                return
            first = False
            self.ready.set()
            self.stall = max(self.stall, time.monotonic() - began)
            await asyncio.sleep(0.05)


def outages(times, start):
    """Failing ones that are less than APART_S apart are one outage."""
    spans = []
    for t in sorted(times):
        if spans and t - spans[-1][1] < APART_S:
            spans[-1][1:] = [t, spans[-1][2] + 1]
        else:
            spans.append([t, t, 1])
    return [{"at_ms": round((a - start) * 1000, 1), "failed": n,
             "outage_ms": round((b - a + PAUSE_S) * 1000, 1)}
            for a, b, n in spans]
