"""The configuration of a federated run, which both sides read the same way."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeVar, get_args

from shared.errors import ConfigError
from shared.privacy.promise import MODES, Colluding, LeastParties, Privacy, RequestedPromise
from shared.secure_sum.quorum import most_missing, quorum
from shared.system.options import Plain, Seeded, check, entries, from_flat, group, option, renamed, to_flat

Aggregation = Literal["fedavg", "fedavgm", "fedadam"]
AGGREGATIONS = get_args(Aggregation)
Weighting = Literal["uniform", "sqrt-users", "similarity"]
Robust = Literal["agreement", "multi-krum", "none"]
Downlink = Literal["whole", "int8-delta"]
Updates = Literal["whole", "int8-delta", "int4-delta"]
FlatConfig = dict[str, Plain]

EVALUATIONS = 2
"""of a private run: of the encoder that it starts from, and of the one after the cross moments"""
LEAST_MASKED = 3
"""platforms of a masked run: a sum of two tells each what the other sent"""
USUAL_CLIP_NORM = 8.0
"""longest update of a platform in a masked run that names none"""
KRUM_PLATFORMS = 5
"""below it Krum can leave nobody out: of k it tells apart f, and k must be at least 2f + 3"""

Settings = TypeVar("Settings")
LORA, SHARED = "lora", "shared"
_ADAPTERS = re.compile(rf"({LORA}|{SHARED}):([1-9][0-9]{{0,2}})")


def adapter_rank(text: str, kind: str = LORA) -> int:
    """The rank of adapters of a kind.

    Args:
        text: ``none``, ``lora:RANK`` or ``shared:RANK``.
        kind: ``lora`` or ``shared``.

    Returns:
        RANK of ``kind:RANK``; 0 of ``none`` and of the other kind.

    Raises:
        ConfigError: for another text.
    """
    if text == "none":
        return 0
    match = _ADAPTERS.fullmatch(text)
    if match is None:
        raise ConfigError(f"adapters must be none, lora:RANK or shared:RANK with a RANK from 1 to 999; got {text!r}")
    return int(match[2]) if match[1] == kind else 0


@dataclass(frozen=True, kw_only=True)
class LowRank:
    """Whether an encoder changes by low-rank adapters."""

    adapters: str = option(
        "none",
        key="adapters",
        old=("local-adapters",),
        check=lambda _key, text: adapter_rank(text),
        help="none; lora:RANK: an encoder changes by low-rank adapters, in rounds, where they travel in a byte a "
        "number, and where it is tuned; or shared:RANK: in rounds all train adapters with the same right factors, so "
        "that their sum is an adapter too (tuning is whole).",
        see="decisions/0027-low-rank-updates-are-cut-from-whole-training.md",
    )

    @property
    def rank(self) -> int:
        """Of adapters that are a sender's own; 0 for none."""
        return adapter_rank(self.adapters)

    @property
    def shared_rank(self) -> int:
        """Of adapters whose right factors all senders of a round have in common; 0 for none."""
        return adapter_rank(self.adapters, SHARED)


@dataclass(frozen=True, kw_only=True)
class LocalSettings(LowRank):
    """How a platform trains in one round; what the server may ask for, and no more."""

    head_epochs: int = option(1, least=0, flag="", help="Passes of a round that train the head alone.")
    encoder_epochs: int = option(
        4,
        least=0,
        flag="",
        help="Passes that then train the encoder alone, the head frozen (FedRep; Collins et al. 2021).",
    )
    head_rate: float = option(1e-2, above=0, flag="", help="Learning rate of the head.")
    encoder_rate: float = option(2e-3, of_cohorts=True, above=0, flag="", help="Learning rate of the encoder.")
    tokens: int = option(2048, least=1, flag="", help="Positions of histories per step.")
    steps: int = option(
        10,
        of_cohorts=True,
        least=1,
        flag="",
        help="Most steps of a pass: a round takes about as long everywhere, and nobody's update is long for their size "
        "alone.",
    )
    negatives: int = option(
        1024,
        of_cohorts=True,
        least=1,
        flag="",
        help="Uniform draws per step where the catalogue is too large for the full softmax.",
    )
    proximal: float = option(
        0.01,
        of_cohorts=True,
        least=0,
        flag="",
        help="μ of the pull μ/2 ‖θ − θ_received‖² on the encoder (FedProx; Li et al. 2020).",
    )
    clip_norm: float = option(0.0, of_cohorts=True, least=0, flag="", help="Longest update sent; 0 sets no limit.")
    dropout: float = option(0.1, least=0, below=1, flag="", help="Dropout in training.")
    id_dropout: float = option(
        0.7,
        least=0,
        below=1,
        flag="",
        help="Share of items per step that are seen by their content alone: what travels must do without ids.",
    )
    updates: Updates = option(
        "whole",
        key="updates",
        old=("local-updates",),
        choices=get_args(Updates),
        old_values={"steps": "int8-delta"},
        help="How an update travels: whole, two bytes a number of what changed; int8-delta, one byte a number with a "
        "scale a row; or int4-delta, half a byte, rounded by lot, what that leaves out being added to the next update. "
        "The same for numbers of shared adapters; whole where adapters are lora.",
        see="decisions/0073-rounds-over-many.md",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.rank and self.updates != "whole":
            raise ConfigError(f"updates must be whole where adapters are lora:RANK; got {self.updates!r}")

    def to_flat(self) -> FlatConfig:
        """Kebab-case names with plain values."""
        return to_flat(self)

    @classmethod
    def from_flat(cls, flat: FlatConfig) -> Self:
        """The inverse of ``to_flat``, former names taken too.

        Raises ConfigError for a missing, unknown or ill-typed key.
        """
        return _complete(cls, renamed(cls, flat))


@dataclass(frozen=True, kw_only=True)
class RoundsConfig(Seeded, RequestedPromise, Colluding, LeastParties):
    """What the server does in a run."""

    rounds: int = option(12, least=0, help="Training rounds, after the moments round.")
    moments: bool = option(True, flag="", help="Whether the linear part is solved anew from the platforms' moments.")
    ridge: float = option(
        0.0,
        least=0,
        flag="",
        help="λ of the linear part, as a share of the mean eigenvalue; 0 takes the one that is usual for the number of "
        "pairs.",
        see="decisions/0009-ridge-by-pairs.md",
    )
    aggregation: Aggregation = option(
        "fedavg", old=("strategy",), choices=AGGREGATIONS, help="How the mean update becomes a step."
    )
    weighting: Weighting = option(
        "uniform",
        old=("weights",),
        choices=get_args(Weighting),
        old_values={"helpfulness": "similarity"},
        help="How much a platform counts in a round: all the same, by the root of its users, or by similarity, "
        "as its moments and those of the others are worth to each other. Set similarity where you do not know that all "
        "are of one domain.",
        see="decisions/0015-similarity-weighting.md",
    )
    robust: Robust = option(
        "agreement",
        choices=get_args(Robust),
        flag="",
        help="What keeps a bad platform out of moments and updates: agreement leaves out who pulls against the others "
        "and cuts who is long; multi-krum keeps those nearest to each other (of 5 platforms and more); none trusts "
        "all.",
        see="decisions/0037-what-one-platform-may-weigh.md",
    )
    server_learning_rate: float = option(
        1.0,
        of_cohorts=True,
        old=("server-rate",),
        above=0,
        flag="",
        help="Step along the mean update; for fedadam the step per number (the paper's η; .001 to .01 is usual).",
    )
    server_momentum: float = option(
        0.9, least=0, below=1, flag="", help="fedavgm's momentum and fedadam's β₁; fedavg has none."
    )
    min_platforms: int = option(
        1,
        deployed=True,
        least=1,
        help="Fewer usable replies leave the encoder as it is; fewer platforms online end the run.",
    )
    cohort: int = option(
        0,
        of_cohorts=True,
        least=0,
        flag="",
        help="How many of those online a training round asks, drawn anew for each, and how many replies end it; 0 asks "
        "all. Their mean is all that is kept of their answers; in masked runs, all that is seen of them.",
        see="decisions/0069-devices.md",
    )
    over_sampling: float = option(
        1.0,
        of_cohorts=True,
        least=1,
        most=10,
        flag="",
        help="How many times as many as the cohort are asked, so that a round need not wait for the slowest.",
        see="decisions/0069-devices.md",
    )
    buffer: int = option(
        0,
        of_cohorts=True,
        least=0,
        flag="",
        help="How many updates make a step, where a cohort is at work all the time and who has answered makes way for "
        "another (FedBuff; Nguyen et al. 2022); 0: each round asks a cohort and waits for it.",
        see="decisions/0073-rounds-over-many.md",
    )
    most_stale: int = option(
        10,
        of_cohorts=True,
        least=0,
        flag="",
        help="With a buffer: how many steps may have been taken since the encoder was sent from which an update leads; "
        "one of an older encoder is dropped.",
        see="decisions/0073-rounds-over-many.md",
    )
    cohort_noise: float = option(
        0.0,
        least=0,
        flag="",
        help="Spread of the noise that the sum of a cohort's updates bears, as a multiple of the longest update, of a "
        "masked run; 0: none.",
        see="decisions/0074-devices-join.md",
    )
    require_all: bool = option(
        False,
        deployed=True,
        help="Every round waits for each platform that is online at the start; who was killed is asked again.",
        see="decisions/0011-exact-resume.md",
    )
    wait_seconds: float = option(
        60.0,
        above=0,
        flag="",
        deployed=True,
        help="How long the server waits for the minimum of platforms.",
    )
    deadline_seconds: float = option(
        600.0,
        of_cohorts=True,
        above=0,
        deployed=True,
        help="How long the server waits for a round's replies; who is later loses it.",
    )
    stage_seconds: float = option(
        120.0,
        above=0,
        flag="",
        deployed=True,
        help="How long a masked run waits for answers in a stage without training: keys, shares, agreement, opening; "
        "with require-all, deadline-seconds counts there too.",
        see="decisions/0051-who-sums-with-whom.md",
    )
    evaluate_every: int = option(
        1,
        least=0,
        flag="",
        help="Evaluate after every so many training rounds, and after the last; 0 never does, and the last encoder is "
        "left whatever it is worth.",
        see="decisions/0023-which-round-is-kept.md",
    )
    downlink: Downlink = option(
        "whole",
        old=("downloads",),
        choices=get_args(Downlink),
        old_values={"steps": "int8-delta"},
        flag="",
        help="What goes to a platform that holds an encoder of the run: whole, the new one, or int8-delta, one byte a "
        "number of what changed with a scale a row.",
    )
    learning_rate_decay: float = option(
        0.1,
        old=("final-rate",),
        above=0,
        most=1,
        flag="",
        help="Learning-rate decay factor: the share of the platforms' learning rates that is left in the last round, "
        "reached linearly.",
        see="decisions/0020-rounds-that-train-enough.md",
    )
    local: LocalSettings = group(LocalSettings, prefix="local-")
    privacy: Privacy = option(
        "plain",
        of_cohorts=True,
        choices=MODES,
        help="plain; masked: what leaves a platform is summed with the others' before the coordinator sees it, which "
        "hides who sent what and no more; private: it bears the noise that keeps the promise to each user, and is "
        "the linear part alone; or masked-private: the same, summed under masks, so that one noise serves the sum.",
        see="privacy.md",
    )

    groups_of: int = option(
        0,
        least=0,
        flag="",
        help="Of a masked run: the least number of platforms of a group that is summed apart from others, so that a "
        "bad group is seen; 0 sums all together. From 3 groups on robust may be agreement, from 5 on multi-krum.",
        see="decisions/0052-what-is-summed.md",
    )

    def __post_init__(self) -> None:
        check(self)
        if 0 < self.groups_of < self.least_summed:
            raise ConfigError(f"groups-of must be 0, or at least {self.least_summed}; got {self.groups_of}")
        if self.cohort or self.buffer or self.cohort_noise:
            self._require_means_alone()
        if self.privacy == "masked":
            self._require_sums_alone()
        if self.privacy == "masked-private":
            self._require_noised_sums()
        if self.weighting == "similarity" and self.is_private:
            raise ConfigError("weighting similarity looks at exact moments, which a private run does not ask for")
        if self.weighting == "similarity" and not self.moments:
            raise ConfigError(f"weighting must be another one where no moments are sent; got {self.weighting!r}")
        if self.robust == "multi-krum" and self.min_platforms < KRUM_PLATFORMS:
            needed = f"min-platforms must be at least {KRUM_PLATFORMS} where robust is multi-krum"
            raise ConfigError(f"{needed}; got {self.min_platforms}")

    def _require_means_alone(self) -> None:
        """Raises ConfigError for what needs more of those asked than the mean of a cohort's updates."""
        broken = {
            f"privacy must be plain or masked; got {self.privacy}": self.is_private,
            "groups-of must be 0: a cohort is summed whole": self.groups_of > 0,
            f"buffer must be at most the cohort, {self.cohort}; got {self.buffer}": self.buffer > self.cohort,
            "buffer must be 0 in masked sums (or add --set privacy=plain --set moments=false)": (
                self.buffer > 0 and self.is_masked
            ),
            f"over-sampling must be 1 beside a buffer; got {self.over_sampling:g}": (
                self.buffer > 0 and self.over_sampling > 1
            ),
            "cohort-noise must be 0 where none is drawn, or sums are not masked": (
                self.cohort_noise > 0 and not (self.cohort and self.is_masked)
            ),
            f"cohort must be at least {self.least_summed} in masked sums; got {self.cohort}": (
                self.is_masked and self.cohort < self.least_summed
            ),
            f"robust must be none, since no single update is kept; got {self.robust!r} (add --set robust=none)": (
                self.robust != "none"
            ),
            f"weighting must be uniform; got {self.weighting!r}": self.weighting != "uniform",
            "moments must be off (add --set moments=false): a cohort tells them in masked sums without noise alone": (
                self.moments and (not self.is_masked or self.cohort_noise > 0)
            ),
            f"evaluate-every must be 0; got {self.evaluate_every}": self.evaluate_every > 0,
            "require-all must be off": self.require_all,
            f"downlink must be whole; got {self.downlink!r}": self.downlink != "whole",
            f"adapters must be none or shared:RANK; got {self.local.adapters!r}": self.local.rank > 0,
        }
        self._refuse("where there is a cohort", broken)

    def _require_sums_alone(self) -> None:
        """Raises ConfigError for what needs more of an update than its sum with others."""
        local = self.local
        alone, robust = self.groups_of == 0, self.robust
        broken = {
            "weighting must be uniform or sqrt-users: similarity looks at single platforms' moments": (
                self.weighting == "similarity"
            ),
            f"robust must be none where groups-of is 0, since no single update is seen; got {robust!r} (add "
            "--set robust=none)": (alone and robust != "none"),
            f"evaluate-every must be 0 or 1, since each sum judges what the one before it left; got "
            f"{self.evaluate_every}": self.evaluate_every > 1,
            f"adapters must be none or shared:RANK, since a sum of other factors is not the sum of updates; got "
            f"{local.adapters!r}": (local.rank > 0),
            "updates must be whole: in a sum, deltas take as many bytes and are coarser": local.updates != "whole",
            f"min-platforms must be at least {self.least_summed}; got {self.min_platforms} (add --set "
            f"min-platforms={self.least_summed})": (self.min_platforms < self.least_summed),
        }
        self._refuse(f"where privacy is {self.privacy}", broken)

    def _require_noised_sums(self) -> None:
        """Raises ConfigError for what needs more of a platform's answer than its sum with others under noise."""
        most = most_missing(self.min_platforms)
        broken = {
            f"robust must be none, since no single answer is seen; got {self.robust!r} (add --set robust=none)": (
                self.robust != "none"
            ),
            f"weighting must be uniform, since each user counts once; got {self.weighting!r}": (
                self.weighting != "uniform"
            ),
            f"min-platforms must be at least {self.least_summed}; got {self.min_platforms} (add --set "
            f"min-platforms={self.least_summed})": (self.min_platforms < self.least_summed),
            "moments must be on: they are all that such a run asks for": not self.moments,
            "evaluate-every must be 1: what the sum made is judged by a sum": self.evaluate_every != 1,
            f"colluding-platforms must leave some whose noise counts: at most {quorum(self.min_platforms) - 1} of "
            f"{self.min_platforms} platforms, {most} of whom may drop out; got {self.colluding_platforms}": (
                self.min_platforms >= self.least_summed and self.colluding_platforms >= quorum(self.min_platforms)
            ),
        }
        self._refuse(f"where privacy is {self.privacy}", broken)

    def _refuse(self, where: str, broken: Mapping[str, bool]) -> None:
        """Raises ConfigError that names all that is so, where any is."""
        if words := [reason for reason, is_so in broken.items() if is_so]:
            raise ConfigError(f"{where}, {'; '.join(words)}")

    @property
    def least_summed(self) -> int:
        """Platforms of a sum at the least, and by how many two without noise differ: K of what the run asks for."""
        return max(LEAST_MASKED, self.least_parties)

    @property
    def training_rounds(self) -> int:
        """How many there are: none where answers bear noise (docs/decisions/0038)."""
        return 0 if self.is_private else self.rounds

    @property
    def evaluation_noise(self) -> float:
        """Spread of the noise of each evaluation of a private run, all of which together spend the promise; else 0."""
        return math.sqrt(EVALUATIONS) * self.noise if self.is_private else 0.0

    def local_in(self, number: int) -> LocalSettings:
        """How platforms train in the round of this number, from 1 on."""
        share = 1 - (1 - self.learning_rate_decay) * (number - 1) / max(1, self.rounds - 1)
        local = self.local
        if self.is_masked and local.clip_norm == 0:
            local = replace(local, clip_norm=USUAL_CLIP_NORM)
        return replace(local, head_rate=share * local.head_rate, encoder_rate=share * local.encoder_rate)

    def to_run_config(self) -> FlatConfig:
        """Flower's flat run config: kebab-case names, those of ``local`` under ``local-``."""
        return to_flat(self)

    @classmethod
    def from_run_config(cls, flat: FlatConfig) -> Self:
        """The inverse of ``to_run_config``, former names taken too.

        Raises ConfigError for a missing, unknown or ill-typed key.
        """
        return _complete(cls, renamed(cls, flat))


def _complete(kind: type[Settings], flat: FlatConfig) -> Settings:
    """From a flat form that leaves nothing to a default: both sides of a run read the same."""
    if lacking := sorted({entry.key for entry in entries(kind)} - set(flat)):
        raise ConfigError(f"the run config lacks {', '.join(lacking)}")
    return from_flat(kind, flat)
