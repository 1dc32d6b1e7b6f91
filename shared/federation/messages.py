"""What server and platforms say to each other, as plain dataclasses; no field can hold a head."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cells import CellGrid
from shared.encoder.changes import Int8Delta
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder, EncoderSpec, Layout
from shared.encoder.linear import Moments
from shared.feature_space import FeatureSpace
from shared.federation.config import LocalSettings
from shared.federation.updates import UpdateForm, round_seed, update_form
from shared.privacy.ledger import LedgerState, SeenLedger
from shared.secure_sum.setup_messages import BOOK
from shared.secure_sum.sum_messages import AGREE, OPEN

LOSSES = ("head", "encoder")
"""the phases of a local round whose losses a platform may tell"""
BOTH = "both"
VALIDATIONS = ("linear", "sequence", BOTH)
"""the parts of the encoder whose validation NDCG@10 a platform may tell"""

_WITHOUT_DATA = [bytes([kind]) for kind in (BOOK, AGREE, OPEN)]


class DeclineReason(StrEnum):
    """Why a platform takes part in receiving only."""

    TOO_FEW_USERS = "too-few-users"
    TOO_FEW_EVENTS = "too-few-events"
    SITE_POLICY = "site-policy"
    TASK_BOUNDS = "task-bounds"
    PRIVACY = "privacy"
    PRIVACY_BUDGET = "privacy-budget"
    TOO_MUCH_NOISE = "too-much-noise"


class FailureCode(StrEnum):
    """All that the server learns of an error on a platform."""

    SETTINGS = "settings"
    DATA = "data"
    FEATURE_SPACE = "feature-space"
    HEAD_STORE = "head-store"
    PROTOCOL = "protocol"
    ENCODER_UNKNOWN = "encoder-unknown"
    UNSIGNED = "unsigned"
    NONCE_REUSED = "nonce-reused"
    ANSWER_GONE = "answer-gone"
    REFUSED = "refused"
    PRIVACY_LEDGER = "privacy-ledger"
    SUM_REFUSED = "sum-refused"
    TOO_FEW_PARTIES = "too-few-parties"
    SUMS_TOO_CLOSE = "sums-too-close"
    PARTIES_UNKNOWN = "parties-unknown"
    INTERNAL = "internal"


TaskName = Literal["moments", "cross", "train", "evaluate", "sum"]


def nonce_of(kind: TaskName, run: str, round_number: int, about: str = "") -> str:
    """The nonce of a question: the same where a stopped run asks it again, others for another question.

    Args:
        kind: of the task.
        run: 32 hexadecimal digits of the run.
        round_number: number of the round in its run.
        about: digest of the encoder that is evaluated, or of a sum's message: a round may have several; else empty.

    Returns:
        32 hexadecimal digits.
    """
    text = "\x1f".join(["graft-nonce/1", kind, run, str(round_number), about])
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """What stands in a task beside numbers."""

    kind: TaskName
    round: int
    run: str
    """32 hexadecimal digits, the same when a run is stopped and goes on"""
    nonce: str
    """of the question, as ``nonce_of`` makes it"""
    meaning: str
    """digest of all that is asked, however the encoder came"""
    encoder: str = ""
    """digest of the encoder that the task is about"""
    grid: CellGrid | None = None
    """of the update that a training task asks for"""
    settings: LocalSettings | None = None
    """of a training task"""
    noise: float = 0.0
    """spread of the noise that the answer is to bear, as a multiple of what one user can move it by; 0 asks for none"""
    seal: str = ""
    """of the platform's privacy ledger, as the coordinator has seen it"""
    step: bytes = b""
    """of a secure sum: the message that is to be answered"""

    @property
    def is_without_data(self) -> bool:
        """Whether nothing of a platform's users is asked for: a step of a secure sum but those of keys and vectors."""
        return self.step[:1] in _WITHOUT_DATA


@dataclass(frozen=True, kw_only=True)
class MomentsTask:
    """Asks a platform for its moments in a feature space."""

    run: str
    round: int
    nonce: str
    feature_space: FeatureSpace

    @property
    def facts(self) -> TaskFacts:
        """Which question it is."""
        meaning = meaning_of("moments", self.run, self.round, _space(self.feature_space))
        return TaskFacts(kind="moments", round=self.round, run=self.run, nonce=self.nonce, meaning=meaning)


@dataclass(frozen=True, eq=False, kw_only=True)
class MomentsReply:
    """A platform's moments over its encoder-training users."""

    round: int
    moments: Moments
    fingerprint: str
    """of the platform's feature space"""
    users: int
    """training users, rounded to a power of two"""


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossTask:
    """Asks a platform for its cross moment in a feature space, under noise."""

    run: str
    round: int
    nonce: str
    feature_space: FeatureSpace
    public: CatalogueMoments
    """by which it is whitened"""
    noise: float
    """spread of the noise; one user moves the cross moment by 1"""
    seen: SeenLedger
    """the platform's privacy ledger, as the coordinator has seen it"""

    @property
    def facts(self) -> TaskFacts:
        """Which question it is.

        What was seen of the ledger does not make another one: a run that goes on has seen the answer of before, and
        gets that again.
        """
        about = (_space(self.feature_space), self.public.digest, self.noise)
        return TaskFacts(
            kind="cross",
            round=self.round,
            run=self.run,
            nonce=self.nonce,
            meaning=meaning_of("cross", self.run, self.round, *about),
            noise=self.noise,
            seal=self.seen.seal,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossReply:
    """A platform's cross moment over users who had not yet spent what it costs them, and over those told before."""

    round: int
    cells: NDArray[np.int32]
    """[D(D+1)/2] of a grid, ``CELLS`` of them in one spread of the noise"""
    noise: float
    """spread of the noise in it: more than was asked for where several releases stand in the sum"""
    fingerprint: str
    """of the platform's feature space"""
    users: int
    """who stand behind it, rounded to a power of two"""
    ledger: LedgerState
    before: str
    """digest of the ledger where the coordinator has seen it; START where it never was what the task shows"""


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownEncoder:
    """An encoder for a platform that holds the one before it, or already it itself: its numbers need not travel."""

    spec: EncoderSpec
    base: str
    """digest of the encoder that the platform holds"""
    delta: Int8Delta | None
    """from that one to this; None where they are the same"""
    digest: str
    """of the encoder that is meant"""


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainTask:
    """Asks a platform to improve an encoder on its encoder-training users."""

    run: str
    round: int
    nonce: str
    seed: int
    """of the run; the platform adds the round and a secret of its own, or its name where nothing is private"""
    encoder: Encoder | KnownEncoder
    settings: LocalSettings
    keep: bool = False
    """whether the next task may count on the encoder being there"""

    @cached_property
    def form(self) -> UpdateForm:
        """In which the update is to come."""
        return update_form(self.settings, round_seed(self.seed, self.round))

    @property
    def facts(self) -> TaskFacts:
        """Which question it is, the only grid that the update may lie on, and how it is to be trained."""
        encoder, settings = self.encoder, self.settings.to_flat()
        return TaskFacts(
            kind="train",
            round=self.round,
            run=self.run,
            nonce=self.nonce,
            meaning=meaning_of(
                "train",
                self.run,
                self.round,
                *about_encoder(encoder.digest, encoder.spec),
                self.seed,
                sorted(settings.items()),
            ),
            encoder=encoder.digest,
            grid=self.form.grid(encoder.spec),
            settings=self.settings,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainReply:
    """What a platform made of the encoder, in the form that was asked for, as the platform says that it is laid out."""

    round: int
    flat: NDArray[Any]
    """in the order of ``layout``, which tells one form from another; once screened, all of the encoder that it makes"""
    layout: Layout
    fingerprint: str
    users: int
    """training users, rounded to a power of two"""
    losses: dict[str, float]
    """by phase, in nats"""


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluateTask:
    """Asks a platform what an encoder is worth on its calibration users."""

    run: str
    round: int
    nonce: str
    seed: int
    encoder: Encoder | KnownEncoder
    keep: bool = False
    """whether the next task may count on the encoder being there"""
    noise: float = 0.0
    """spread of the noise in a sum over users to which each gives at most 1; 0 asks for none"""

    @property
    def facts(self) -> TaskFacts:
        """Which question it is."""
        encoder = self.encoder
        about = (*about_encoder(encoder.digest, encoder.spec), self.seed, self.noise)
        return TaskFacts(
            kind="evaluate",
            round=self.round,
            run=self.run,
            nonce=self.nonce,
            meaning=meaning_of("evaluate", self.run, self.round, *about),
            encoder=encoder.digest,
            noise=self.noise,
        )


@dataclass(frozen=True, kw_only=True)
class EvaluateReply:
    """NDCG@10 of the encoder's parts on a sample of calibration users."""

    round: int
    users: int
    """calibration users in the sample, rounded to a power of two"""
    validation: dict[str, float]
    """by part of the encoder"""


@dataclass(frozen=True, kw_only=True)
class Declined:
    """The platform receives, and does not contribute."""

    round: int
    reason: DeclineReason


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The platform met an error; its text stays there."""

    round: int
    code: FailureCode
    least: int = 0
    """platforms of a sum, and by which two sums differ, that its site policy asks for, where that is why; else 0"""


def power_of_two(count: int) -> int:
    """The power of two nearest to a count on the logarithmic scale; 0 stays 0."""
    return 0 if count < 1 else int(2 ** round(np.log2(count)))


def meaning_of(*parts: Any) -> str:
    """The digest of what is asked; the parts are what JSON can hold."""
    return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()


def about_encoder(digest: str, spec: EncoderSpec) -> tuple[Any, ...]:
    """What of an encoder stands in a question's meaning.

    Args:
        digest: of the encoder.
        spec: of the encoder.

    Returns:
        Parts for ``meaning_of``.
    """
    return digest, spec.preset, _space(spec.feature_space)


def _space(space: FeatureSpace) -> list[Any]:
    return [space.name, space.parameters, space.dim, space.fingerprint]
