"""What a platform's users were promised, what they have spent of it, and what a run would cost and bring."""

from dataclasses import asdict, dataclass
from typing import Any

from client.agent.home import AgentHome, AgentSettings
from client.data.preparation import prepare
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.guard.site_policy import SitePolicy, read_policy
from client.privacy.account import Account
from client.privacy.accounts import Accounts, machine_place
from client.privacy.contributions import contributions
from client.privacy.estimate import TRIED_ROUNDS, fewest_that_pay, pays, share_kept
from client.store.head_store import HeadStore, open_records
from shared.privacy.gaussian import epsilon_of
from shared.privacy.promise import Privacy
from shared.system.settings_file import read_settings

_ROUNDS = (
    f"training rounds: none in a private run; with {TRIED_ROUNDS:,} users, under the noise of ε 8, an encoder was no "
    "better after them"
)
_PROMISED = "each user is promised ε {policy.epsilon:g} at δ {policy.delta:g}"
_WORDS: dict[Privacy, str] = {
    "plain": "what a task asks for leaves without noise, and whoever runs the coordinator can solve users' histories "
    "from it",
    "masked": "what a task asks for leaves without noise, in sums over {policy.least_parties} platforms or more alone; "
    "masks hide who sent what, and no more",
    "masked-private": f"{_PROMISED}; noise is this platform's own, or that of a sum over {{policy.least_parties}} "
    "platforms or more, which then holds against {policy.colluding_platforms} of the others",
    "private": _PROMISED,
}


@dataclass(frozen=True, kw_only=True)
class PrivacyReport:
    """Of one agent's folder."""

    policy: SitePolicy
    account: Account
    users: int
    """who can contribute: they have a history and a next item"""
    able: int
    """those of them who could spend the whole promise in one release now"""
    space: str
    """name of the feature space"""

    @property
    def spent_epsilon(self) -> float:
        """ε of the user who has spent most."""
        return epsilon_of(self.account.most, self.policy.delta)

    @property
    def pays(self) -> bool:
        """Whether a release of those who are able tells more than noise."""
        return pays(self.able, self.policy.noise, self.space)

    @property
    def kept(self) -> float:
        """The share of what their cross moment brings that the noise leaves."""
        return share_kept(self.able, self.policy.noise, self.space)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "privacy": self.policy.privacy,
            "epsilon": self.policy.epsilon,
            "delta": self.policy.delta,
            "spent_epsilon": self.spent_epsilon,
            "users": self.users,
            "able_users": self.able,
            "noise": self.policy.noise,
            "pays": self.pays,
            "share_kept": self.kept,
            "pays_from_users": fewest_that_pay(self.policy.noise, self.space),
            "ledger": [asdict(entry) for entry in self.account.ledger.entries],
        }

    def text(self) -> list[str]:
        """For people."""
        coming = [self._next(), *([_ROUNDS] if self.policy.is_private else [])]
        return [self._promise(), self._spent(), *coming, *(map(_said, self.account.ledger.entries))]

    def _promise(self) -> str:
        return f"privacy = {self.policy.privacy}: {_WORDS[self.policy.privacy].format(policy=self.policy)}"

    def _spent(self) -> str:
        entries = len(self.account.ledger.entries)
        if not entries:
            return "nothing was released under noise yet"
        most = f"the user who has spent most of it has spent ε {self.spent_epsilon:.3g}"
        return f"{entries} {'release' if entries == 1 else 'releases'} under noise; {most}"

    def _next(self) -> str:
        who = f"{self.able:,} of {self.users:,} users who can contribute have not spent it"
        if self.pays:
            return (
                f"a release now: {who}; it would cost each of them ε {self.policy.epsilon:g}, and noise of "
                f"{self.policy.noise:.3g} would leave about {100 * self.kept:.0f} % of what the linear part brings"
            )
        fewest = f"{fewest_that_pay(self.policy.noise, self.space):,} users on"
        if self.policy.privacy == "masked-private":
            return (
                f"a release now: {who}; in the feature space {self.space} that pays from {fewest}: so nothing would "
                "leave by itself, and in a sum over platforms that have as many together"
            )
        return (
            f"a release now: {who}; in the feature space {self.space} that pays from {fewest}, so nothing would leave"
        )


def privacy_report(home: AgentHome) -> PrivacyReport:
    """What the platform's users have spent of what they were promised.

    Args:
        home: the agent's folder.

    Returns:
        the report.

    Raises:
        ConfigError: if settings or policy are wrong.
        DataError: if the data cannot be read.
        StorageError: if the account cannot be read.
        PrivacyError: if the account was changed.
    """
    settings = read_settings(AgentSettings, home.settings)
    node = settings.node(home)
    spec = parse_platform_spec(f"{settings.name}={settings.data}")
    preparation = spec.preparation(settings)
    data = read_platform_data(spec.path, spec.said_of_times)
    policy = read_policy(node.policy)
    platform = prepare(data, preparation, name=spec.name, seed=settings.seed, apart=policy.is_private)
    heads = HeadStore(open_records(home.vault, node.vault_key))
    account = Accounts(machine_place(spec.path), heads).read()
    _sequences, users = contributions(platform)
    able = account.able(users, policy.budget, policy.budget)
    return PrivacyReport(
        policy=policy,
        account=account,
        users=len(users),
        able=int(able.sum()),
        space=settings.features.partition(":")[0],
    )


def _said(entry: Any) -> str:
    round_ = f", round {entry.round}" if entry.run or entry.round else ""
    return (
        f"{entry.time}  {entry.released}{round_}: noise {entry.noise:.4g}; after it ε {entry.epsilon:.3g} at δ "
        f"{entry.delta:g}"
    )
