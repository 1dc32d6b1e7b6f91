"""A duty of the coordinator that fails keeps none of the others from being done, and is told."""

from logging import getLogger

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome, ServerSettings
from server.engine.supervisor import Supervisor
from shared.errors import EngineError
from shared.system.watch import Watch


class Engine:
    def __init__(self) -> None:
        self.known: list[str] = []

    def register(self, name: str, _key: str) -> int:
        self.known.append(name)
        return len(self.known)

    def nodes(self):
        raise EngineError("no answer")


class Runs:
    def __init__(self, error: Exception | None) -> None:
        self.error, self.looks = error, 0

    def look(self) -> None:
        self.looks += 1
        if self.error is not None:
            raise self.error


def test_a_damaged_run_keeps_no_platform_out(tmp_path) -> None:
    supervisor, watch = Supervisor(ServerHome(tmp_path), ServerSettings()), Watch(getLogger())
    engine, runs = Engine(), Runs(ValueError("not JSON"))
    Enrolment(tmp_path / "platforms.json").enroll("north", "key")
    assert not supervisor.told(watch, engine, runs, attendance=None)
    assert engine.known == ["north"]
    assert watch.troubles == {"runs": "unexpected ValueError"}
    runs.error = None
    assert supervisor.told(watch, engine, runs, attendance=None)
    assert watch.troubles == {}


def test_a_damaged_register_keeps_no_run_from_going_on(tmp_path) -> None:
    (tmp_path / "platforms.json").write_bytes(b"\xff")
    supervisor, watch, runs = Supervisor(ServerHome(tmp_path), ServerSettings()), Watch(getLogger()), Runs(None)
    assert not supervisor.told(watch, Engine(), runs, attendance=None)
    assert (runs.looks, set(watch.troubles)) == (1, {"admission"})
