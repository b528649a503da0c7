"""stage: one rack and one pair for the parts of a test."""
from pair import Pair
from rack import Rack
from traffic import Watch


class Stage:
    """One pair for all parts, one after another; a new one after a part that
    failed, which may have left it in any state."""

    CALM = {"interval": "50ms", "misses": 6}    # speed is not the question

    def __init__(self):
        self.rack = self.pair = None

    def close(self):
        if self.rack is not None:
            self.rack.close()
        self.rack = self.pair = None

    def _racked(self, then=lambda: None):
        if self.rack is None:
            self.rack = Rack()
            self.rack.__enter__()
            then()

    def empty(self):
        """A rack on which corosync runs and nothing of ours."""
        self._racked(lambda: self.rack.each(self.rack.start_corosync))
        for node in self.rack.NODES:
            stop_all(self.rack, node)
        self.pair = None
        return self.rack

    def raised(self):
        """(rack, pair, watch, active, standby): settled and watched."""
        self._racked()
        if self.pair is None:
            self.pair = Pair(self.rack, **self.CALM)
            self.pair.start()
        active, standby = self.pair.wait_settled()
        watch = Watch(self.rack)
        for node in self.rack.NODES:
            self.rack.run(node, "pkill -KILL vipwatch", check=False)
            watch.start(node)
        return self.rack, self.pair, watch, active, standby

    @classmethod
    def play(cls, parts, names, t):
        """The parts of these names, else all. Each is called with the stage;
        t is told what it raises."""
        stage = cls()
        for name in names or parts:
            failed = t.failed
            with t.part(name):
                parts[name](stage)
            if t.failed > failed:
                stage.close()
        stage.close()


def stop_all(rack, node):
    rack.run(node, "pkill -KILL yoke; pkill -KILL vipwatch; "
             f"ip addr del {rack.VIP}/32 dev eth0;"
             f"ip addr del {rack.VIP6}/128 dev eth0; ipvsadm -C",
             check=False)
