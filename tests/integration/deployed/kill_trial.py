"""A kill trial: SIGKILL to all processes of the server, of an agent or of both, at a random moment of a run.

The run needs every platform (``require-all``), so whatever was killed it ends as nobody had disturbed it. Of a private
run that nobody disturbs there is no like, since noise is drawn anew: its like is a run after it, which gets what was
released once more.
"""

import shutil
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.agent.home import AgentHome
from client.privacy.account import Account
from client.privacy.accounts import Accounts, machine_place
from client.rounds.known_parties import SUM_PARTIES
from client.rounds.own_draws import OWN_DRAWS
from client.rounds.own_party import SUM_KEY, SUM_STATE
from client.rounds.private_release import TOLD
from client.rounds.round_heads import SEQUENCE_HEAD, STAGED_HEAD
from client.rounds.workspace import NodeSettings
from client.store.head_store import HeadStore, open_heads
from server.coordinator.home import ServerHome
from server.coordinator.run_book import OPEN, Run, RunBook
from shared.encoder.file import load_encoder
from shared.federation.config import LocalSettings, RoundsConfig
from shared.seeding import rng_for
from tests.integration.deployed.deployment import PLAIN, Deployment, deployment, processes_of
from tests.integration.engine_world import USERS

NAMES = ("north", "south", "west")
DATABASES = ("west",)
TARGETS = ("server", "agent", "both")
CONFIG = RoundsConfig(
    rounds=2,
    aggregation="fedavgm",
    min_platforms=3,
    require_all=True,
    evaluate_every=0,
    wait_seconds=600,
    deadline_seconds=600,
    local=LocalSettings(tokens=512),
)
QUESTIONS = 3
"""moments, and two rounds of training"""
LATEST = 0.9
"""share of the undisturbed run's seconds before which the kill falls"""
LONGEST_AWAY = 20.0
"""seconds that what was killed stays away"""
Heads = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What is asked of the platforms that are killed, and what they keep of it."""

    config: RoundsConfig
    records: tuple[str, ...]
    """in each platform's vault, that are compared"""


PLAIN_RUN = Tried(config=CONFIG, records=(SEQUENCE_HEAD, STAGED_HEAD))
MASKED_RUN = Tried(
    config=replace(
        CONFIG,
        privacy="masked",
        moments=False,
        robust="none",
        local=LocalSettings(tokens=512, clip_norm=16.0),
    ),
    records=(SEQUENCE_HEAD, STAGED_HEAD),
)
PRIVATE_RUN = Tried(config=replace(CONFIG, privacy="private", epsilon=100.0), records=(TOLD,))


@dataclass(frozen=True, eq=False, kw_only=True)
class Ending:
    """What a run leaves."""

    encoder: bytes
    heads: dict[str, Heads]
    """by platform, the arrays of the records that are compared, by record and name"""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Who is killed when, all drawn from the seed."""

    seed: int
    target: str
    victim: str
    """the agent that is killed, where one is"""
    moment: float
    """share of the undisturbed run's seconds"""
    away: float
    """seconds until what was killed is started again"""

    @classmethod
    def drawn(cls, seed: int) -> "Kill":
        """The targets take turns."""
        rng = rng_for(seed, "kill-trial")
        return cls(
            seed=seed,
            target=TARGETS[seed % len(TARGETS)],
            victim=str(rng.choice(NAMES)),
            moment=float(rng.uniform(0, LATEST)),
            away=float(rng.uniform(0, LONGEST_AWAY)),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Trial:
    """What came of a kill."""

    kill: Kill
    usual_seconds: float
    """what a run was taken to last"""
    answered: int
    """questions that the run had behind it when the kill fell"""
    processes: int
    """that were killed"""
    ending: Ending


def undisturbed(made: Deployment, tried: Tried = PLAIN_RUN) -> Ending:
    """What the run gives that nobody disturbs; platforms keep what they have of the runs before."""
    run, began = _begun(made, tried)
    return ending(made, run, seconds=_end_of(made, run) - began, tried=tried)


def kill_trial(made: Deployment, kill: Kill, *, usual_seconds: float, tried: Tried = PLAIN_RUN) -> Trial:
    """Run rounds from the first encoder and from no heads, kill, start again, and wait for the end.

    A run that is over before the moment of the kill counts for nothing but its time: the machine is faster than it was
    when a run was timed, and the kill is tried in another run, taken to last until that moment.
    """
    while (found := _trial(made, kill, usual_seconds, tried)) is None:
        usual_seconds *= kill.moment
    return found


def _trial(made: Deployment, kill: Kill, usual_seconds: float, tried: Tried) -> Trial | None:
    forget(made)
    run, began = _begun(made, tried)
    time.sleep(max(0.0, began + kill.moment * usual_seconds - time.monotonic()))
    answered = len(run.history())
    state = run.standing().state
    if state == "completed":
        return None
    assert state in OPEN, f"{run.standing()}{made.logs()}"
    killed = _kill(made, kill)
    time.sleep(kill.away)
    _start(made, kill)
    end = ending(made, run, seconds=_end_of(made, run) - began, tried=tried)
    return Trial(kill=kill, usual_seconds=usual_seconds, answered=answered, processes=killed, ending=end)


def ending(made: Deployment, run: Run, *, seconds: float, tried: Tried = PLAIN_RUN) -> Ending:
    """What a completed run has left."""
    assert run.standing().state == "completed", f"{run.standing()}{made.logs()}"
    return Ending(
        encoder=load_encoder(run.encoder)[0].flat.tobytes(),
        heads={name: heads_of(made.agent(name), tried.records) for name in NAMES},
        seconds=seconds,
    )


def same_heads(one: dict[str, Heads], other: dict[str, Heads]) -> dict[str, bool]:
    """By platform, whether its arrays are there and the same, bit for bit."""
    return {
        name: bool(heads)
        and heads.keys() == other[name].keys()
        and all(heads[key].tobytes() == other[name][key].tobytes() for key in heads)
        for name, heads in one.items()
    }


@contextmanager
def federation(folder: Path, *, users: int = USERS, promise: tuple[str, ...] = PLAIN) -> Iterator[Deployment]:
    """Started, and all platforms online."""
    with deployment(folder, NAMES, databases=DATABASES, users=users, promise=promise) as made:
        made.on_server("start", "--background")
        for name in NAMES:
            made.on_agent("start", name, "--background")
        made.wait_until(lambda: [one["engine"] for one in made.status()["platforms"]] == ["online"] * len(NAMES))
        yield made


def asked(config: RoundsConfig) -> list[str]:
    """The options of ``graft-server run`` that ask for it."""
    return [f"--set={name}={str(value).lower()}" for name, value in config.to_run_config().items()]


def forget(made: Deployment) -> None:
    """The next run finds what the first one found: no heads, nothing spent, and no ledger.

    Each platform keeps the secret from which it draws and what it has of secure sums: those are its own, not a run's.
    """
    for name in NAMES:
        store = store_of(made.agent(name))
        for record in store.names():
            if record not in (OWN_DRAWS, SUM_KEY, SUM_PARTIES, SUM_STATE):
                store.delete(record)
        shutil.rmtree(machine_place(made.source(name)), ignore_errors=True)
    shutil.rmtree(ServerHome(made.server).ledgers, ignore_errors=True)


def _begun(made: Deployment, tried: Tried) -> tuple[Run, float]:
    """A run that is queued, from the first encoder."""
    shutil.copy(made.folder / "start.safetensors", made.server / "encoder.safetensors")
    made.on_server("run", "--detach", *asked(tried.config))
    return RunBook(made.server / "runs").runs()[-1], time.monotonic()


def _end_of(made: Deployment, run: Run) -> float:
    made.wait_until(lambda: run.standing().state not in OPEN)
    return time.monotonic()


def _kill(made: Deployment, kill: Kill) -> int:
    """All at once; how many processes there were."""
    homes = {"server": [made.server], "agent": [made.agent(kill.victim)]}
    homes["both"] = homes["server"] + homes["agent"]
    found = [one for home in homes[kill.target] for one in processes_of(home)]
    assert found, made.logs()
    for one in found:
        one.kill()
    return len(found)


def _start(made: Deployment, kill: Kill) -> None:
    if kill.target != "agent":
        made.on_server("start", "--background")
    if kill.target != "server":
        made.on_agent("start", kill.victim, "--background")


def heads_of(agent: Path, names: tuple[str, ...] = PLAIN_RUN.records) -> Heads:
    """Every array of these records, which are those of the committed and the staged head if no others are named."""
    store = store_of(agent)
    records = {name: store.read(name) for name in names}
    assert all(records.values()), f"{agent}: heads are missing"
    return {
        f"{name}/{key}": array for name, record in records.items() if record for key, array in record.arrays.items()
    }


def draw_alike(agent: Path, heads: Path) -> None:
    """Let who keeps plain files in ``heads`` draw what the agent draws."""
    secret = store_of(agent).read(OWN_DRAWS)
    assert secret is not None
    HeadStore(heads).write(OWN_DRAWS, secret)


def account_of(made: Deployment, name: str) -> Account:
    """What a platform's users have spent, by its vault and by the machine."""
    return Accounts(machine_place(made.source(name)), store_of(made.agent(name))).read()


def store_of(agent: Path) -> HeadStore:
    """What a platform keeps, as its app opens it."""
    settings = NodeSettings.from_node_config(tomllib.loads(AgentHome(agent).node_config.read_text("utf-8")))
    return open_heads(Path(settings.heads), settings.vault_key)
