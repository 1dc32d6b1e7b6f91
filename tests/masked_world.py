"""Tiny platforms in masked runs: what they are, who misbehaves at which step, and what may differ between two runs."""

import json
from dataclasses import replace
from itertools import count

import numpy as np
from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from shared.federation.config import RoundsConfig
from shared.federation.sum_messages import SumReply, SumTask
from shared.federation.wire import decode_sum_task, encode_reply
from tests.federation_world import QUICK, START, config, opened

STAGES = ("keys", "shares", "mask", "agree", "open")
SHOPS = {f"shop{number}": opened(f"shop{number}", seed=number) for number in range(4)}
THREE = {name: SHOPS[name] for name in list(SHOPS)[:3]}
UNEQUAL = ("seconds", "bytes_down", "bytes_up")


SHORT = replace(QUICK, head_epochs=0, steps=2)


def rounds(privacy: str = "masked", local=SHORT, **changes) -> RoundsConfig:
    plain = {"moments": False, "evaluate_every": 0, "robust": "none", "min_platforms": 3}
    return config(**{**plain, "local": replace(local, clip_norm=16.0), "privacy": privacy, **changes})


class Killed(BaseException):
    """The whole process ends; no handler of errors sees it."""


def stage_of(task: SumTask) -> str:
    return STAGES[task.message[0] - 1]


def meddling(change, shops=THREE) -> dict[str, ClientApp]:
    """Real platforms; ``change`` gets each step and the platform's name, and gives what leaves instead, if anything."""

    def app_of(name: str):
        def answer(real: ClientApp, message: Message, context: Context) -> Message:
            reply = real(message, context)
            changed = change(decode_sum_task(message.content), name)
            return reply if changed is None else Message(encode_reply(changed), reply_to=message)

        return answer

    return {name: app_of(name) for name in shops}


def without(stage: str, party: str, shops=THREE, number: int = 1) -> dict[str, ClientApp]:
    """A platform whose answer of one stage is none in the sum of this number."""

    def change(task: SumTask, name: str) -> SumReply | None:
        is_meant = (task.round, stage_of(task), name) == (number, stage, party)
        return SumReply(round=task.round, answer=b"none") if is_meant else None

    return meddling(change, shops)


def changed_by(encoder) -> np.ndarray:
    return encoder.flat - START.flat


def timeless(history) -> str:
    kept = [{name: value for name, value in entry.items() if name not in UNEQUAL} for entry in history]
    return json.dumps(kept, sort_keys=True)


def killed_at(place: int, shops=THREE) -> dict[str, ClientApp]:
    """The platform that is asked at this place, counted over all, does its work, and its answer is lost."""
    places = count()

    def change(_task: SumTask, _name: str) -> None:
        if next(places) == place:
            raise Killed

    return meddling(change, shops)
