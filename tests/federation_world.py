"""Tiny platforms and a federation over them, for tests that drive the whole server loop."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from client.app import client_app
from client.data.platform import Platform
from client.features.prepared_platform import Catalogue, PreparedPlatform
from client.rounds.workspace import NodeSettings, already_open
from shared.encoder.encoder import Encoder
from shared.federation.config import LocalSettings, RoundsConfig
from simulations.federation.held_federation import FederationResult, run_federation
from tests.unit.client.training.world import N_ITEMS, SPACE, SPEC, features, walks

LOCAL = LocalSettings(tokens=256)
QUICK = replace(LOCAL, encoder_epochs=1)
"""where what becomes of an update is the point, not what it has learnt"""
START = Encoder.initial(SPEC, seed=1)


def opened(name: str, *, users: int = 120, seed: int = 0, space=SPACE) -> PreparedPlatform:
    """A platform whose users walk around one ring of items."""
    platform = Platform(
        name=name,
        item_ids=tuple(f"item-{row}" for row in range(N_ITEMS)),
        texts=tuple(f"secret text {row}" for row in range(N_ITEMS)),
        categories=None,
        vectors=None,
        user_ids=tuple(f"user-{row}" for row in range(users)),
        user_numbers=np.arange(users),
        sequences=walks(users, seed=seed),
        training_users=np.arange(users),
        calibration_users=np.arange(0, users, 5),
        ordered=True,
        repeats=False,
    )
    return PreparedPlatform(platform=platform, space=space, catalogue=Catalogue(features=features()))


def config(**changes) -> RoundsConfig:
    """Two training rounds on small steps."""
    return RoundsConfig(**{"rounds": 2, "local": LOCAL, **changes})


def federate(
    folder: Path, platforms, rounds_config=None, *, encoder=START, apps=None, policies=None, **options
) -> FederationResult:
    """Run a federation over opened platforms by name; ``options`` as ``run_federation`` takes them.

    ``policies`` names files of site policies of their own. ``apps`` names platforms that misbehave: by an app of their
    own, or by a function of their real app, a message and its context that answers in its place.
    """
    settings = {
        name: NodeSettings(
            platform=f"{name}={folder}", heads=str(folder / "heads" / name), policy=(policies or {}).get(name, "")
        )
        for name in platforms
    }
    real = {name: client_app(already_open(data)) for name, data in platforms.items()}
    bad = {
        name: app if isinstance(app, ClientApp) else every_kind(partial(app, real[name]))
        for name, app in (apps or {}).items()
    }
    return run_federation(settings, encoder, rounds_config or config(), folder=folder, apps={**real, **bad}, **options)


def every_kind(answer) -> ClientApp:
    """An app that answers every kind of message by the same function of a message and its context."""
    app = ClientApp()
    for kind in ("moments", "cross", "sum"):
        app.query(kind)(answer)
    app.train()(answer)
    app.evaluate()(answer)
    return app


def tampering(change, *, kind: str = "train"):
    """The real app, but for replies of one kind, whose content ``change`` makes into another."""

    def answer(real: ClientApp, message: Message, context: Context) -> Message:
        reply = real(message, context)
        is_target = message.metadata.message_type.startswith(kind)
        content: RecordDict = change(reply.content) if is_target else reply.content
        return Message(content, reply_to=message)

    return answer
