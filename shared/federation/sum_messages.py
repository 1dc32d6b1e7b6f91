"""The messages of secure sums: what is summed, a step of a sum, and a platform's answer to it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.federation.messages import (
    EvaluateTask,
    KnownEncoder,
    MomentsTask,
    TaskFacts,
    TrainTask,
    about_encoder,
    meaning_of,
    nonce_of,
)

SumPart = Literal["moments", "cross", "train", "evaluate"]
SUM_PARTS = get_args(SumPart)
"""of the vectors of a secure sum, in their order"""


@dataclass(frozen=True, eq=False, kw_only=True)
class SumWork:
    """What platforms' vectors of one secure sum are of: parts one after the other, all about one encoder.

    Raises ConfigError where it makes no sense.
    """

    run: str
    round: int
    """number of the sum in its run"""
    seed: int
    parts: tuple[SumPart, ...]
    """some of ``SUM_PARTS``, in that order"""
    encoder: Encoder | KnownEncoder
    weights: Mapping[str, float]
    """by platform of the sum, how much it counts: above 0, the largest 1"""
    keep: bool = False
    """whether the next task may count on the encoder being there"""
    settings: LocalSettings | None = None
    """of the training, where a part is trained"""
    noise: float = 0.0
    """spread of the noise that the sum is to bear, as a multiple of what one user can move it by; 0 asks for none"""
    public: CatalogueMoments | None = None
    """by which cross moments are whitened, where a part is one"""
    users: int = 0
    """of all platforms of the sum, as they are registered, where it bears noise: whether it pays is judged by them"""

    def __post_init__(self) -> None:
        if not self.parts or list(self.parts) != [part for part in SUM_PARTS if part in self.parts]:
            expected = f"one or more of {', '.join(SUM_PARTS)} in this order"
            raise ConfigError(f"work of a sum: expected {expected}; got {', '.join(self.parts) or 'none'}")
        weights = self.weights.values()
        if not all(0 < weight <= 1 for weight in weights) or max(weights, default=0.0) != 1:
            raise ConfigError("work of a sum: expected weights above 0, the largest of them 1; got others")
        for part, beside, what in (("train", self.settings, "settings"), ("cross", self.public, "a public catalogue")):
            if (part in self.parts) != (beside is not None):
                raise ConfigError(f"work of a sum: expected {what} where a part is {part}, and only there")
        sets: tuple[set[SumPart], ...] = ({"moments", "train", "evaluate"},)
        if self.noise:
            sets = ({"cross", "evaluate"}, {"train"})
        if not any(set(self.parts) <= allowed for allowed in sets) or self.users < 0 or (self.users and not self.noise):
            expected = "cross moments and evaluations, or updates, with noise, and all else without and without users"
            raise ConfigError(f"work of a sum: expected {expected}; got {', '.join(self.parts)}, noise {self.noise:g}")

    @cached_property
    def meaning(self) -> str:
        """Digest of all of it, however the encoder came; the terms of the sum name it (``SumTerms.about``)."""
        return meaning_of(
            "work",
            self.run,
            self.round,
            self.seed,
            self.parts,
            *about_encoder(self.encoder.digest, self.encoder.spec),
            sorted(self.weights.items()),
            sorted(self.settings.to_flat().items()) if self.settings else None,
            self.noise,
            self.public.digest if self.public else None,
            self.users,
        )

    @property
    def moments_task(self) -> MomentsTask:
        """Of the part *moments*."""
        nonce, space = nonce_of("moments", self.run, self.round), self.encoder.spec.feature_space
        return MomentsTask(run=self.run, round=self.round, nonce=nonce, feature_space=space)

    @property
    def train_task(self) -> TrainTask:
        """Of the part *train*; raises ConfigError where there is none."""
        if self.settings is None:
            raise ConfigError("work of a sum: expected a part that is trained; got none")
        return TrainTask(
            run=self.run,
            round=self.round,
            nonce=nonce_of("train", self.run, self.round),
            seed=self.seed,
            encoder=self.encoder,
            settings=self.settings,
            keep=self.keep,
        )

    @property
    def evaluate_task(self) -> EvaluateTask:
        """Of the part *evaluate*."""
        return EvaluateTask(
            run=self.run,
            round=self.round,
            nonce=nonce_of("evaluate", self.run, self.round, self.encoder.digest),
            seed=self.seed,
            encoder=self.encoder,
            keep=self.keep,
            noise=self.noise,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SumTask:
    """One step of a secure sum; where a vector is asked for, what it is of stands beside."""

    run: str
    round: int
    nonce: str
    message: bytes
    """of the sum's coordinator (shared/secure_sum/)"""
    work: SumWork | None = None
    """None in a step that asks for no vector"""
    introductions: bytes = b""
    """of registered platforms (shared/secure_sum/introduction.py), beside a request for keys; else empty"""
    seen: str = ""
    """seal of the platform's privacy ledger as the coordinator saw it last, beside a request for a vector under noise;
    empty where it saw none"""

    @classmethod
    def of(
        cls,
        run: str,
        round_number: int,
        message: bytes,
        work: SumWork | None = None,
        introductions: bytes = b"",
        seen: str = "",
    ) -> "SumTask":
        """The question of this message.

        Args:
            run: 32 hexadecimal digits of the run.
            round_number: number of the sum in its run.
            message: of the sum's coordinator.
            work: what the vector is of; None in a step that asks for no vector.
            introductions: of registered platforms, beside a request for keys; else empty.
            seen: seal of the platform's privacy ledger as the coordinator saw it last, beside a request for a vector
                under noise; empty where it saw none.

        Returns:
            The task; its nonce is that of the message's digest (``nonce_of``).
        """
        digest = hashlib.sha256(message).hexdigest()
        nonce = nonce_of("sum", run, round_number, digest)
        return cls(
            run=run,
            round=round_number,
            nonce=nonce,
            message=message,
            work=work,
            introductions=introductions,
            seen=seen,
        )

    @property
    def facts(self) -> TaskFacts:
        """Which question it is, and how what is summed is to be trained.

        What was seen of the ledger does not make another one: a run that goes on has seen the answer of before.
        """
        work = self.work
        about = (hashlib.sha256(self.message).hexdigest(), work.meaning if work else "")
        return TaskFacts(
            kind="sum",
            round=self.round,
            run=self.run,
            nonce=self.nonce,
            meaning=meaning_of("sum", self.run, self.round, *about),
            encoder=work.encoder.digest if work else "",
            settings=work.settings if work else None,
            noise=work.noise if work else 0.0,
            step=self.message,
        )


@dataclass(frozen=True, kw_only=True)
class SumReply:
    """A platform's answer in a step of a secure sum."""

    round: int
    answer: bytes
    ledger: str = ""
    """digest of the platform's privacy ledger, with a vector under noise alone; else empty"""
