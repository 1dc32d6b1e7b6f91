"""Which trained parts each method's stack may hold, and how a part is made for a platform from the encoders it has."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform
from client.ensemble.cross_fitting import Catalogue, Trained
from client.training.distillation import Teacher
from client.training.further_loss import FurtherLoss
from client.transfer.alignment import KINDS, Alignment, alignment_loss, parse_alignment
from client.transfer.feature import feature_part, unseen_by_rounds
from client.transfer.knowledge import (
    LIKE_ITS_TEACHER,
    STUDENT_TRAINING,
    KnowledgeSettings,
    Student,
    student_part,
    student_preset,
    teach,
)
from client.transfer.model import Tuned, TuningSettings, model_part, tune_on
from client.transfer.own import Own, train_own
from client.transfer.teachers import LESSONS, TEACHERS, encoder_teacher, stack_teacher
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError
from shared.feature_space.spec import FeatureSpace

PREVIOUS = "previous"
"""The encoder that a platform has served until now, beside the one that has come since."""

STACKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "stack": ((),),
    "local": ((), ("own",)),
    "feature": (("received",), ("received", "own")),
    "model": (("tuned",), ("tuned", "own")),
    "knowledge": (("student",), ("student", "own")),
    "federated": (("federated",), ("federated", "own")),
    "federated-model": (("federated-tuned",), ("federated-tuned", "own")),
    "pooled": (("pooled",), ("pooled", "own")),
    PREVIOUS: ((PREVIOUS,), (PREVIOUS, "own")),
}
"""Method to the sets of trained parts that may stand in its stack beside the computed scorers."""

FROM_ROUNDS = ("federated", "federated-model")
"""Methods that use the encoder after the rounds, not the one that the source pretrained."""


@dataclass(frozen=True, kw_only=True)
class PartSettings:
    """What may be chosen about trained parts; raises ConfigError where a value makes no sense."""

    preset: str
    """of the platform's own encoder"""
    teacher: str = "encoder"
    """of method ``knowledge``: one of ``TEACHERS``"""
    alignment: str = "off"
    """while an encoder is tuned: ``off``, ``probe:WEIGHT``, ``coral:WEIGHT``, or ``gate``: all compete"""
    tuning: TuningSettings = field(default_factory=TuningSettings)

    def __post_init__(self) -> None:
        if self.teacher not in TEACHERS:
            raise ConfigError(f"teacher must be one of {', '.join(TEACHERS)}; got {self.teacher!r}")
        parse_alignment(self.alignment)

    @property
    def alignments(self) -> dict[str, Alignment | None]:
        """Every way in which the received encoder is tuned, by what the part's name begins with: one, or three."""
        first, *others = parse_alignment(self.alignment)
        return {"": first, **{f"{one.kind}-": one for one in others if one is not None}}

    def stacks(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """``STACKS`` with the sets of every aligned part: they compete as further options of their method."""
        aligned = {"model": "tuned", **({"knowledge": "student"} if self.teacher == "encoder" else {})}
        sets = dict(STACKS)
        for method, part in aligned.items():
            sets[method] = tuple(
                tuple(kind + one if one == part else one for one in parts)
                for kind in self.alignments
                for parts in STACKS[method]
            )
        return sets


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The encoder that a platform served before it received another."""

    encoder: Encoder
    seen: bool
    """whether the platform's contributing users helped to make it"""
    released: Mapping[str, object] = field(default_factory=dict)
    """calibration of its source's scorers; empty where it is not known"""
    origin: str = ""
    """digest of the encoder that was received, of which this may be a tuned form"""

    def unseen(self, platform: Platform) -> NDArray[np.int64]:
        """The training users whom it has not seen."""
        return unseen_by_rounds(platform) if self.seen else platform.training_users


class Opened(Protocol):
    """A prepared platform."""

    @property
    def platform(self) -> Platform:
        """What was prepared."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """Its vectors and their neighbours."""
        ...

    @property
    def space(self) -> FeatureSpace:
        """Which vectors they are."""
        ...


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """What a platform's parts begin with; None where no method needs it."""

    source: Encoder | None
    released: Mapping[str, object]
    """calibration of the source's scorers"""
    item_moments: Mapping[str, object]
    """of the source's catalogue"""
    federated: Encoder | None
    pooled: Encoder | None
    previous: Previous | None = None


class PlatformParts:
    """What is trained for a platform under a seed; what two parts need is trained once.

    ``tuned(kind)``: the source's encoder tuned here under one of ``settings.alignments``; ``student(kind)``: what that
    one teaches, or the stack. None where there is no source, or the platform has too few users. ``own()``: what the
    platform trains alone, None where it has too few.
    """

    def __init__(self, one: Opened, encoders: Encoders, settings: PartSettings, seed: int) -> None:
        self.one, self.encoders, self.settings, self.seed = one, encoders, settings, seed
        self.tuned, self.student, self.own = cache(self._tune), cache(self._teach), cache(self._train_own)

    def teaching(self, kind: str) -> Tuned | None:
        """The tuned encoder that is the teacher; None where the stack is."""
        return None if self.settings.teacher == "stack" else self.tuned(kind)

    def tuning(self, encoder: Encoder, aligned: FurtherLoss | None = None) -> Tuned | None:
        """``encoder`` tuned here; None where the platform has too few users."""
        one, settings = self.one, self.settings.tuning
        return tune_on(encoder, one.platform, one.catalogue, seed=self.seed, settings=settings, aligned=aligned)

    def _train_own(self) -> Own | None:
        one = self.one
        return train_own(one.platform, one.catalogue, one.space, self.settings.preset, self.seed)

    def _tune(self, kind: str) -> Tuned | None:
        source = self.encoders.source
        if source is None:
            return None
        alignment = self.settings.alignments[kind]
        if kind == "coral-" and not self.encoders.item_moments:
            return None  # one of several that compete, and the source was too small to release moments
        aligned = None if alignment is None else alignment_loss(alignment, source, self.encoders.item_moments)
        return self.tuning(source, aligned)

    def _teach(self, kind: str) -> Student | None:
        teacher, one = self._teacher(kind), self.one
        if teacher is None:
            return None
        preset = student_preset(self.settings.preset)
        training = LIKE_ITS_TEACHER if preset == self.settings.preset else STUDENT_TRAINING
        settings = KnowledgeSettings(lessons=LESSONS[self.settings.teacher], training=training)
        return teach(teacher, one.platform, one.catalogue.features, one.space, preset, settings, seed=self.seed)

    def _teacher(self, kind: str) -> Teacher | None:
        source, platform, catalogue = self.encoders.source, self.one.platform, self.one.catalogue
        if source is None or not platform.contributes:
            return None
        if self.settings.teacher == "stack":
            return stack_teacher(source, platform, catalogue, seed=self.seed)
        tuned = self.teaching(kind)
        return None if tuned is None else encoder_teacher(tuned.encoder, tuned.head, platform, catalogue)


def _own(made: PlatformParts) -> Trained | None:
    own = made.own()
    return None if own is None else own.part(made.one.platform, made.one.catalogue)


def _received(made: PlatformParts) -> Trained | None:
    source, one = made.encoders.source, made.one
    if source is None:
        return None
    return feature_part("received", source, one.catalogue, unseen=one.platform.training_users)


def _tuned(kind: str, made: PlatformParts) -> Trained | None:
    tuned = made.tuned(kind)
    return None if tuned is None else model_part(f"{kind}tuned", tuned, made.one.platform, made.one.catalogue)


def _student(kind: str, made: PlatformParts) -> Trained | None:
    student = made.student(kind)
    return None if student is None else student_part(f"{kind}student", student, made.one.platform, made.one.catalogue)


def _federated(made: PlatformParts) -> Trained | None:
    return _shared("federated", made.encoders.federated, made.one)


def _federated_tuned(made: PlatformParts) -> Trained | None:
    encoder, one = made.encoders.federated, made.one
    if encoder is None:
        return None
    tuned = made.tuning(encoder)
    return None if tuned is None else model_part("federated-tuned", tuned, one.platform, one.catalogue)


def _pooled(made: PlatformParts) -> Trained | None:
    return _shared("pooled", made.encoders.pooled, made.one)


def _previous(made: PlatformParts) -> Trained | None:
    previous, one = made.encoders.previous, made.one
    if previous is None:
        return None
    return feature_part(PREVIOUS, previous.encoder, one.catalogue, unseen=previous.unseen(one.platform))


def _shared(name: str, encoder: Encoder | None, one: Opened) -> Trained | None:
    """An encoder that the platform's contributing users helped to make."""
    if encoder is None:
        return None
    return feature_part(name, encoder, one.catalogue, unseen=unseen_by_rounds(one.platform))


_KINDS = ("", *(f"{kind}-" for kind in KINDS))

PARTS: dict[str, Callable[[PlatformParts], Trained | None]] = {
    "federated": _federated,
    "federated-tuned": _federated_tuned,
    "own": _own,
    "pooled": _pooled,
    PREVIOUS: _previous,
    "received": _received,
    **{f"{kind}tuned": partial(_tuned, kind) for kind in _KINDS},
    **{f"{kind}student": partial(_student, kind) for kind in _KINDS},
}
"""Part to how it is made, in the order of their columns in the panel."""


def parts_in(sets: Mapping[str, Sequence[Sequence[str]]]) -> list[str]:
    """The parts that these methods' sets hold, in the order of ``PARTS``."""
    held = {part for some in sets.values() for parts in some for part in parts}
    return [part for part in PARTS if part in held]


def possible(sets: Mapping[str, Sequence[Sequence[str]]], trained: Collection[str]) -> dict[str, list[Sequence[str]]]:
    """Method to those of its sets of which every part was trained; without the methods that have none."""
    there = {method: [parts for parts in some if set(parts) <= set(trained)] for method, some in sets.items()}
    return {method: some for method, some in there.items() if some}
