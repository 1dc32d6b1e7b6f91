"""What the engine is told of the register; the engine here is one that remembers and can lose an answer."""

from dataclasses import dataclass, field

import pytest

from server.coordinator.enrolment import Enrolment
from server.engine.admission import admit
from shared.errors import EngineError


@dataclass
class Engine:
    keys: dict[str, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    answers: bool = True

    def register(self, name: str, key: str) -> int:
        if key in self.keys:
            raise EngineError("flwr supernode: Public key already in use.")
        assert name in {"north", "south"}
        self.keys[key] = len(self.keys) + 1
        if not self.answers:
            raise EngineError("flwr supernode gave no answer")
        return self.keys[key]

    def unregister(self, node: int) -> None:
        if not self.answers:
            raise EngineError("flwr supernode gave no answer")
        self.gone.add(node)

    def nodes(self) -> dict[int, str]:
        return {node: "registered" for node in self.keys.values() if node not in self.gone}


@pytest.fixture
def register(tmp_path) -> Enrolment:
    register = Enrolment(tmp_path / "platforms.json")
    register.enroll("north", "key a")
    register.enroll("south", "key b")
    return register


def test_admits_who_is_enrolled_and_shuts_out_who_is_revoked(register) -> None:
    engine = Engine()
    admit(register, engine)
    register.revoke("north")
    admit(register, engine)
    assert (engine.keys, engine.gone) == ({"key a": 1, "key b": 2}, {1})
    assert not any(one.waiting for one in register.read())


def test_tells_the_engine_each_thing_once(register) -> None:
    engine = Engine()
    admit(register, engine)
    engine.register = None  # a further call would fail
    admit(register, engine)


def test_finds_the_node_whose_answer_was_lost(register) -> None:
    engine = Engine(answers=False)
    with pytest.raises(EngineError):
        admit(register, engine)
    engine.answers = True
    admit(register, engine)
    assert [one.node for one in register.read()] == [1, 2]


def test_does_not_guess_between_two_nodes_of_nobody(register) -> None:
    engine = Engine(keys={"key a": 1, "another's key": 7})
    with pytest.raises(EngineError, match="in use"):
        admit(register, engine)
    assert [one.node for one in register.read()] == [None, None]


def test_a_node_that_the_engine_no_longer_knows_counts_as_shut_out(register) -> None:
    engine = Engine()
    admit(register, engine)
    register.revoke("south")
    engine.gone.add(2)
    engine.answers = False
    admit(register, engine)
    assert [one.gone for one in register.read()] == [False, True]
