"""An encoder's digest is taken once: by a platform at most once a task, by the server once an encoder."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from tests.federation_world import LOCAL, START, config, federate, opened

SHORT = replace(LOCAL, encoder_epochs=1, steps=1)
INTEGRITY_OF_FILES = "shared.system.array_file"
"""Digests of what is stored, of which an encoder may be a part; they are no encoder's digest."""


@dataclass
class Digests:
    """How many hashes over as many bytes as an encoder has our code took."""

    now: int = 0
    tasks: list[tuple[str, int]] = field(default_factory=list)
    """by a platform: kind of the task, and how many it took for it"""

    def note(self, data: bytes) -> None:
        if len(data) >= START.flat.nbytes:
            callers = [frame.frame.f_globals["__name__"] for frame in inspect.stack(0)]
            caller = next(name for name in callers if name != __name__)
            self.now += caller.split(".")[0] in {"server", "client", "shared"} and caller != INTEGRITY_OF_FILES

    def platform(self, real: ClientApp, message: Message, context: Context) -> Message:
        """The real app's answer, whose digests are told apart from the server's."""
        before, self.now = self.now, 0
        reply = real(message, context)
        self.tasks.append((message.metadata.message_type, self.now))
        self.now = before
        return reply


class Noted:
    """A hash, and word of what it takes in."""

    def __init__(self, real: Callable[..., Any], note: Callable[[bytes], None]) -> None:
        self._real, self._note = real, note

    def __call__(self, data: bytes = b"", **options: object) -> "Noted":
        begun = Noted(self._real(**options), self._note)
        begun.update(data)
        return begun

    def update(self, data: bytes) -> None:
        self._note(data)
        self._real.update(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


@pytest.fixture
def digests(monkeypatch) -> Digests:
    found = Digests()
    for name in ("sha256", "blake2b"):
        monkeypatch.setattr(hashlib, name, Noted(getattr(hashlib, name), found.note))
    return found


def run(folder, digests: Digests, **changes):
    """The start's evaluation, and two rounds of one platform, each followed by another.

    What it is sent is new, or the one that it kept.
    """
    rounds = config(moments=False, local=replace(SHORT, **changes.pop("local", {})), **changes)
    return federate(folder, {"a": opened("a")}, rounds, apps={"a": digests.platform}, serialise=False)


def test_of_whole_encoders_a_platform_takes_one_a_task_and_the_server_one_an_encoder(digests, tmp_path) -> None:
    history = run(tmp_path, digests).history
    assert digests.tasks == [("evaluate", 1), *[("train", 1), ("evaluate", 1)] * 2]
    assert digests.now == 3  # the one that it starts from, and the two that it has evaluated
    assert [entry["platforms"] for entry in history] == [["a"]] * 5


def test_of_steps_and_kept_encoders_a_platform_takes_one_a_task_and_the_server_one_an_encoder(
    digests, tmp_path
) -> None:
    history = run(tmp_path, digests, downlink="int8-delta").history
    sizes = [entry["bytes_down"] for entry in history]
    assert sizes[1] < sizes[2] < sizes[0]  # the one that it kept, a step, a whole one
    assert digests.tasks == [("evaluate", 1), *[("train", 1), ("evaluate", 1)] * 2]
    assert digests.now == 3  # the one that it starts from, and the two that it reaches


@pytest.mark.parametrize("form", [{"updates": "int8-delta"}, {"adapters": "lora:2"}], ids=["step", "adapter"])
def test_the_form_of_an_update_takes_no_more(form, digests, tmp_path) -> None:
    run(tmp_path, digests, local=form)
    assert digests.tasks == [("evaluate", 1), *[("train", 1), ("evaluate", 1)] * 2]
    assert digests.now == 3  # the one that it starts from, and the two that it has evaluated
