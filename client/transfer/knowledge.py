"""Transfer method ``knowledge``: a teacher's soft scores over the platform's own catalogue make a smaller student.

The student is an encoder of another preset with a head of its own, and recommends without the teacher.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import training_sequences
from client.data.sequences import Sequences
from client.ensemble.cross_fitting import Trained
from client.features.prepared_platform import PreparedPlatform
from client.store.head_store import StoredRecord
from client.training.distillation import Distillation, DistillationSettings, Teacher, draw_soft_targets
from client.training.local_id import for_size
from client.training.loop import TrainingSettings, train_sequence
from client.training.pretraining import early_stopping_set
from client.training.sequence_model import SequenceHead, SequenceModel
from client.transfer.method import Method, PlatformParts, beside_own
from client.transfer.model import Tuned, trained_part, tuned_source
from client.transfer.teachers import encoder_teacher, stack_teacher
from shared.encoder.encoder import SEQUENCE, Encoder, EncoderSpec, flatten
from shared.encoder.presets import PRESETS
from shared.errors import ConfigError, HeadStoreError
from shared.feature_space import FeatureSpace
from shared.seeding import rng_for
from shared.system.options import Checked, bounded

STUDENT = "nano"
STUDENT_TRAINING = TrainingSettings(epochs=8, patience=20, encoder_rate=2e-3, head_rate=1e-2)
"""Rates are those of pretraining; sized for its platform, at most 480 steps. All epochs are gone through: to few
early-stopping users the start may look best by luck (docs/decisions/0005)."""
LIKE_ITS_TEACHER = replace(STUDENT_TRAINING, epochs=4)
"""Of a student that is no smaller than its teacher: there is less to learn."""

_RIDGE = 1e-3
_HEAD = ("v", "a", "b")


@dataclass(frozen=True, kw_only=True)
class KnowledgeSettings(Checked):
    """How a student is taught; its loss is the task's cross-entropy plus ``weight`` · τ² · KL(teacher ‖ student)."""

    temperature: float = bounded(2.0, above=0)
    """τ, of both softmaxes; above 1 the teacher's order below the first item counts more"""
    weight: float = bounded(1.0, least=0)
    """of the teacher beside the task; 0 trains the student alone"""
    soft_targets: int = bounded(10_000, least=1)
    """most past events after which the teacher is asked"""
    training: TrainingSettings = STUDENT_TRAINING
    distillation: DistillationSettings = field(default_factory=DistillationSettings)


@dataclass(frozen=True, eq=False, kw_only=True)
class Student(Tuned):
    """What is left once the teacher has gone; its encoder's linear part is 0: a student is a sequence part alone."""

    @property
    def parameters(self) -> int:
        """All numbers that it recommends with."""
        return parameters(self.encoder, self.head)

    def to_stored(self) -> StoredRecord:
        """As a record of the head store: all that a recommendation needs beside the catalogue's vectors."""
        arrays = {**_sequence_arrays(self.encoder), **{name: getattr(self.head, name) for name in _HEAD}}
        return StoredRecord(arrays=arrays, facts={"preset": self.encoder.spec.preset})

    @classmethod
    def from_stored(cls, stored: StoredRecord, space: FeatureSpace) -> "Student":
        """The inverse of ``to_stored`` but for the log.

        Args:
            stored: the record.
            space: the feature space that the student reads items in.

        Returns:
            The student.

        Raises:
            HeadStoreError: if the record is of another kind.
        """
        try:
            spec = EncoderSpec(preset=stored.facts["preset"], input_dim=space.dim, feature_space=space)
            blank = Encoder.initial(spec, 0)
            arrays = {name: stored.arrays[name] for name in _sequence_arrays(blank)}
            flat = flatten(spec.layout(), {**blank.arrays(), **arrays})
            head = SequenceHead(**{name: stored.arrays[name] for name in _HEAD})
            return cls(encoder=Encoder(spec=spec, flat=flat), head=head)
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            raise HeadStoreError(f"the record is no student: {error}") from error


def parameters(encoder: Encoder, head: SequenceHead) -> int:
    """Numbers in the sequence part and in the head beside it.

    Args:
        encoder: whose sequence part is counted; its linear part is not.
        head: counted whole.

    Returns:
        How many numbers there are.
    """
    shared = sum(array.size for array in _sequence_arrays(encoder).values())
    return int(shared + sum(getattr(head, name).size for name in _HEAD))


def _sequence_arrays(encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    return {name: array for name, array in encoder.arrays().items() if name.startswith(SEQUENCE)}


def student_preset(teacher: str) -> str:
    """The student's preset under an encoder of preset ``teacher``: ``nano``, or the same where that is no larger."""
    return STUDENT if PRESETS[STUDENT].width < PRESETS[teacher].width else teacher


def teach(
    teacher: Teacher, prepared: PreparedPlatform, preset: str, settings: KnowledgeSettings, *, seed: int
) -> Student:
    """A student of ``preset``, trained on the encoder-training users' events and on what the teacher says of them.

    Its item tower begins where the teacher sees the catalogue: a platform has too few events to find that out. It keeps
    its best epoch on the early-stopping users; the calibration users enter nothing.

    Args:
        teacher: who is asked; one without vectors leaves the item tower as it is drawn.
        prepared: the platform.
        preset: name of the student's size.
        settings: how it is taught; with weight 0 the teacher is not asked.
        seed: of the student's draw, the soft targets and the training.

    Returns:
        The student.

    Raises:
        ConfigError: if neither learning rate is above 0.
    """
    platform, features = prepared.platform, prepared.features
    users = platform.encoder_users
    sequences = training_sequences(platform, users)
    spec = EncoderSpec(preset=preset, input_dim=features.shape[1], feature_space=prepared.space)
    encoder = Encoder.initial(spec, seed)
    model = SequenceModel.over(
        encoder.sequence_module(), SequenceHead.initial(len(features), spec.architecture.width), features
    )
    if teacher.vectors is not None:
        _begin(model, teacher.vectors)
    further = _soft_targets(teacher, sequences, users, len(features), settings, rng_for(seed, "soft_targets"))
    rng = rng_for(seed, "student")
    training = replace(for_size(settings.training, len(sequences.items)), patience=settings.training.patience)
    early_stopping = early_stopping_set(platform)
    log = train_sequence(model, sequences, training, rng, early_stopping, further, device=prepared.device)
    return Student(encoder=encoder.with_sequence(model.towers()), head=model.head(), logs={"student": log})


@torch.no_grad()
def _begin(model: SequenceModel, vectors: torch.Tensor) -> None:
    """Let the item tower's linear path be the least-squares map from features to ``vectors`` [n, d].

    To their first principal components, as many as the tower is wide, of variance 1; a random hidden layer beside it
    starts at a third of its strength.
    """
    if model.item is None or model.features is None:
        raise ValueError("a student needs an item tower")
    features = model.features * math.sqrt(model.features.shape[1])
    centred = vectors - vectors.mean(0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, : model.v.shape[1]]
    projected = centred @ axes
    square = features.T @ features
    ridge = _RIDGE * square.trace() / len(square) * torch.eye(len(square))
    path = torch.linalg.solve(square + ridge, features.T @ projected / projected.std())
    for tower in model.item.towers:
        tower_path = path.T[: len(tower.direct.weight)]
        tower.direct.weight[: len(tower_path)] = tower_path
        tower.leave.weight.div_(3)


def _soft_targets(
    teacher: Teacher,
    sequences: Sequences,
    users: NDArray[np.int64],
    n_items: int,
    settings: KnowledgeSettings,
    rng: np.random.Generator,
) -> Distillation | None:
    """What the teacher says, as a loss; None where it is not asked."""
    if settings.weight == 0 or not (sequences.lengths() >= 2).any():
        return None
    temperature, held = settings.temperature, settings.distillation
    soft_targets = draw_soft_targets(
        teacher,
        sequences,
        users,
        n_items=n_items,
        limit=settings.soft_targets,
        temperature=temperature,
        rng=rng,
        settings=held,
    )
    return Distillation(soft_targets, temperature=temperature, weight=settings.weight, settings=held)


def student_of(parts: PlatformParts, kind: str) -> Student | None:
    """What the tuned encoder teaches, or the stack; taught once.

    Args:
        parts: of the platform.
        kind: prefix that says under which alignment the teacher is tuned.

    Returns:
        The student; None where there is no source, or too few users.
    """
    return parts.once(f"{kind}student", lambda: _teach(parts, kind))


def tuned_teacher(parts: PlatformParts, kind: str) -> Tuned | None:
    """The tuned encoder that is the teacher.

    Args:
        parts: of the platform.
        kind: prefix that says under which alignment it is tuned.

    Returns:
        The encoder and its head; None where the stack is the teacher, there is no source, or too few users.
    """
    return None if parts.settings.teacher == "stack" else tuned_source(parts, kind)


def _teach(parts: PlatformParts, kind: str) -> Student | None:
    teacher = _teacher(parts, kind)
    if teacher is None:
        return None
    chosen, preset = parts.settings, student_preset(parts.settings.preset)
    training = LIKE_ITS_TEACHER if preset == chosen.preset else STUDENT_TRAINING
    settings = KnowledgeSettings(soft_targets=chosen.soft_targets, training=training, distillation=chosen.distillation)
    return teach(teacher, parts.prepared, preset, settings, seed=parts.seed)


def _teacher(parts: PlatformParts, kind: str) -> Teacher | None:
    received, prepared = parts.encoders.received, parts.prepared
    if received is None or not prepared.platform.contributes:
        return None
    if parts.settings.teacher == "stack":
        return stack_teacher(received.encoder, prepared, parts.scorers, parts.ensemble, seed=parts.seed)
    tuned = tuned_teacher(parts, kind)
    return None if tuned is None else encoder_teacher(tuned.encoder, tuned.head, prepared)


def _part(parts: PlatformParts, kind: str) -> Trained | None:
    return trained_part(f"{kind}{KNOWLEDGE.part}", student_of(parts, kind), parts.prepared)


KNOWLEDGE = Method(
    name="knowledge",
    origin="received",
    part="student",
    sets=beside_own("student"),
    make=_part,
    form="taught",
    kinds=lambda settings: settings.alignments if settings.teacher == "encoder" else ("",),
    competes=True,
)
