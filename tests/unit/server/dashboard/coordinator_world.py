"""A coordinator's folder as ``init`` leaves it, with platforms and runs, and a supervisor that says that it runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.coordinator.certificates import new_authority, server_certificate
from server.coordinator.home import ServerSettings
from server.coordinator.run_book import Run, Standing
from server.engine.supervisor import supervision
from server.rounds.told_stage import StageTeller
from shared.encoder.file import EncoderCard, save_encoder
from shared.system.settings_file import to_toml
from tests.federation_world import START
from tests.unit.server.engine.world import NOON, World, record

CARD = EncoderCard(counts={"users": 4096, "items": 1024, "events": 65536}, privacy={"epsilon": 8.0, "delta": 1e-6})
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
"""a name, or a reason, that would do something where it were not escaped"""
LATER = datetime(2999, 1, 1, tzinfo=UTC)
"""until when who is online has said that they are"""
MASKED = {"privacy": "masked", "robust": "none", "min_platforms": 3}
REPORT = {
    "ready": True,
    "supervisor": 7,
    "processes": [{"name": "superlink", "pid": 7, "restarts": 0}, {"name": "proxy", "pid": None, "restarts": 2}],
}


def coordinator(folder: Path) -> World:
    """With an encoder, a certificate and settings."""
    world = World(folder)
    authority = new_authority(NOON)
    world.home.certificate.write_bytes(server_certificate(authority, ("localhost",), NOON).certificate)
    world.home.settings.write_bytes(to_toml(ServerSettings(names=("shops.example",))))
    save_encoder(world.home.encoder, START, CARD)
    return world


def busy_coordinator(folder: Path) -> World:
    """Six platforms, two runs that are over, and a masked one under way that awaits two of them."""
    world = coordinator(folder)
    for name, state in {"shop": "online", "second-shop": "online", "films": "online", "news": "online"}.items():
        world.enroll(name, state, until=LATER)
    world.enroll("books", "offline", until=NOON - timedelta(hours=2))
    world.enroll("games")
    for name, users in {"shop": 2000, "films": 500, "news": 30_000}.items():
        world.register.classify(name, users)
    world.run(*rounds(6), rounds=6)
    world.run(record("train", 1, ("shop",), failed={"films": "data"}), rounds=4, state="failed")
    under_way = world.run(*masked_rounds(), rounds=8, state="running", **MASKED)
    under_way.stands(Standing(state="running"))
    StageTeller(under_way.out).begins(4, "mask", ["second-shop", "news"])
    return world


def rounds(number: int) -> list:
    """Of a plain run: two platforms train, a third declines, and the last round is passed over."""
    found = [record("moments", 0, ("films", "news", "shop"), weights={"shop": 0.5, "news": 0.3, "films": 0.2})]
    for one in range(1, number + 1):
        loss = 7.0 - 0.45 * one + 0.03 * one**2
        score = 0.081 + 0.012 * one - 0.0012 * one**2 - (0.03 if one == number else 0)
        declined = {"films": "too-few-users"}
        weights = {"shop": 1.0, "news": 0.7}
        losses = {"shop": {"head": loss + 0.2, "encoder": loss}, "news": {"head": loss, "encoder": loss - 0.3}}
        found.append(record("train", one, ("news", "shop"), declined=declined, losses=losses, weights=weights))
        validation = {name: {"both": score + place / 100} for place, name in enumerate(("films", "news", "shop"))}
        note = "passed over: more than 10 % worse than one before, on the platforms' own answers; made by news, shop"
        judged = {"validation": validation, "kept": one < number, "note": note if one == number else ""}
        found.append(record("evaluate", one, ("films", "news", "shop"), **judged))
    return found


def masked_rounds() -> list:
    """Three rounds in which all platforms are one group."""
    everyone = ("films", "news", "second-shop", "shop")
    groups = {"all": everyone}
    found = []
    for one in range(1, 4):
        losses, weights = {"all": {"encoder": 6.5 - 0.2 * one}}, {"all": 1.0}
        found.append(record("train", one, everyone, groups=groups, losses=losses, weights=weights, missing=("books",)))
        judged = {"validation": {"all": {"both": 0.09 + 0.01 * one}}, "kept": True}
        found.append(record("evaluate", one, everyone, groups=groups, missing=("books",), **judged))
    return found


def plant_hostile_words(world: World) -> Run:
    """Wherever a text may come from elsewhere: a name, a reason, a note, a group, a card, a trouble."""
    register = json.loads(world.home.platforms.read_text("utf-8"))
    register["platforms"].append({"name": HOSTILE, "key": "a key"})
    world.home.platforms.write_text(json.dumps(register))
    words = {"note": HOSTILE, "held_back": {HOSTILE: HOSTILE}, "groups": {HOSTILE: (HOSTILE,)}}
    run = world.run(record("train", 1, (HOSTILE,), failed={HOSTILE: HOSTILE}, missing=(HOSTILE,), **words))
    standing = run.folder / "standing.json"
    standing.write_text(json.dumps({**json.loads(standing.read_text("utf-8")), "state": "failed", "reason": HOSTILE}))
    return run


@contextmanager
def supervised(world: World, **further: object) -> Iterator[None]:
    """While it lasts, a supervisor holds the folder and says what it runs."""
    found = supervision(world.home)
    (world.home.state / "report.json").write_text(json.dumps({**REPORT, **further}))
    with found.alone():
        yield
