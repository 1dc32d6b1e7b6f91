"""How many of the enrolled platforms are online, asked of the engine now and then."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.coordinator.enrolment import Enrolment
from server.engine.flwr_command import FlwrCommand

LOOK_SECONDS = 30.0
"""between two questions: each starts a process of Flower's"""


@dataclass(kw_only=True)
class Attendance:
    """The last answer."""

    engine: FlwrCommand
    register: Enrolment
    now: Callable[[], float]
    online: int = field(default=0, init=False)
    _next_look: float = field(default=0.0, init=False)

    def look(self) -> None:
        """Where it is time; raises EngineError where the engine gives no answer, and nobody counts as online then."""
        if self.now() < self._next_look:
            return
        self._next_look, self.online = self.now() + LOOK_SECONDS, 0
        nodes = self.engine.nodes()
        admitted = [one.node for one in self.register.read() if not one.revoked and one.node is not None]
        self.online = sum(nodes.get(node) == "online" for node in admitted)
