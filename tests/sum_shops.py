"""Tiny platforms that know each other's keys for secure sums, and what one answers to a step, past its guard."""

from dataclasses import dataclass, field
from pathlib import Path

from flwr.app import Context, Message, RecordDict

from client.app import client_app
from client.features.prepared_platform import PreparedPlatform
from client.rounds.own_party import OwnParty
from client.rounds.workspace import NodeSettings, already_open
from client.store.head_store import HeadStore
from shared.federation.sum_messages import SumTask, SumWork
from shared.federation.wire import SUM_TYPE, encode_task
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.roster import Roster
from shared.secure_sum.terms import SetupTerms
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import opened
from tests.plain_policy import policy_file

RUN = "0" * 32


@dataclass(eq=False)
class SumShops:
    """Platforms by name; their records lie under ``folder``."""

    folder: Path
    platforms: dict[str, PreparedPlatform]
    policy: str = ""
    """lines of all site policies, beside their mode"""
    privacy: str = "plain"
    roster: Roster = field(init=False)

    def __post_init__(self) -> None:
        parties = [self.own(name) for name in self.platforms]
        self.roster = Roster.of(one.member for one in parties)
        for one in parties:
            one.pin(self.roster)

    def own(self, name: str) -> OwnParty:
        return OwnParty(HeadStore(self.folder / name), name)

    def coordinator(self, sums: int = 2, *, noised: bool = False) -> Coordinator:
        return Coordinator.of(self.roster, SetupTerms(sums=sums, noised=noised), bytes(32))

    def content(
        self,
        name: str,
        message: bytes,
        work: SumWork | None = None,
        round_number: int = 1,
        introductions: bytes = b"",
    ) -> RecordDict:
        """What the platform's app, as in a new process, gives to the engine."""
        settings = NodeSettings(
            platform=f"{name}={self.folder}",
            heads=str(self.folder / name),
            policy=policy_file(self.folder, self.privacy, self.policy),
        )
        node = settings.to_node_config()
        context = Context(run_id=1, node_id=2, node_config=node, state=RecordDict(), run_config={})
        task = encode_task(SumTask.of(RUN, round_number, message, work, introductions))
        with task_identity():
            return client_app(already_open(self.platforms[name]))(Message(task, 2, SUM_TYPE), context).content


def sum_shops(folder: Path, count: int = 3, policy: str = "") -> SumShops:
    """So many, of different users."""
    return SumShops(folder, {f"shop{number}": opened(f"shop{number}", seed=number) for number in range(count)}, policy)
