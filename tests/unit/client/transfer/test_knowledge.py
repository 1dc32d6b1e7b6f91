from dataclasses import replace

import numpy as np
import pytest

from client.data.held_out import Stage
from client.data.platform import examples
from client.data.sequences import Sequences
from client.scorers.scorer import HistoryBatch
from client.store.head_store import HeadStore, StoredRecord
from client.training.loop import TrainingSettings
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import item_table
from client.transfer.knowledge import KnowledgeSettings, Student, parameters, student_preset, teach
from client.transfer.method import Encoders, PlatformParts
from client.transfer.model import trained_part, tune_on
from client.transfer.part_settings import PartSettings
from client.transfer.teachers import encoder_teacher, stack_teacher
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.presets import PRESETS
from shared.errors import ConfigError, HeadStoreError
from shared.feature_space import FeatureSpace
from tests.unit.client.recommender.world import LENGTH, N_ITEMS, prepared, small_platform

PLATFORM = small_platform()
HASHED = prepared(PLATFORM).features
SPACE = FeatureSpace(name="test", parameters=(), dim=HASHED.shape[1], fingerprint="test")
RECEIVED = Encoder.initial(EncoderSpec(preset="small", input_dim=SPACE.dim, feature_space=SPACE), 0)
QUICK = KnowledgeSettings(
    training=TrainingSettings(epochs=4, tokens=64, warm_up=5, encoder_rate=5e-3, head_rate=1e-2, id_dropout=0.0)
)


def head_of(encoder, spread=0.0):
    head = SequenceHead.initial(N_ITEMS, encoder.spec.architecture.width)
    drawn = np.random.default_rng(0).normal(0, 1, head.v.shape).astype(np.float32)
    return replace(head, v=spread * drawn)


def in_space(platform):
    return replace(prepared(platform), space=SPACE)


def teacher_of(kind, platform):
    if kind == "stack":
        return stack_teacher(RECEIVED, in_space(platform), seed=0)
    return encoder_teacher(RECEIVED, head_of(RECEIVED, 1.0), in_space(platform))


def student_of(kind="encoder", platform=PLATFORM, settings=QUICK):
    teacher = teacher_of(kind, platform)
    return teach(teacher, in_space(platform), "nano", settings, seed=0)


@pytest.fixture(scope="module")
def student():
    return student_of()


def test_is_smaller_than_its_teacher(student):
    assert student.encoder.spec.preset == "nano"
    assert student.parameters < parameters(RECEIVED, head_of(RECEIVED)) / 4
    assert student.parameters == parameters(student.encoder, student.head)


def test_counts_every_number_that_it_recommends_with(student):
    d, inputs, hidden = PRESETS["nano"].width, SPACE.dim, PRESETS["nano"].hidden
    tower = inputs * hidden + hidden + hidden * d + d + inputs * d
    block = 4 * d + (3 * d * d + 3 * d) + (d * d + d) + 2 * 16 + (4 * d * d + 4 * d) + (4 * d * d + d)
    norms_and_scale = 2 * d + 2 * d + 1
    assert student.parameters == tower + block + norms_and_scale + N_ITEMS * (d + 2)


def test_runs_from_its_record_without_the_teacher(student, tmp_path):
    histories = examples(PLATFORM, Stage.TEST, np.arange(20)).histories
    HeadStore(tmp_path).write("student", student.to_stored())
    (before,) = trained_part("student", student, in_space(PLATFORM)).scorers
    expected = before.score(HistoryBatch(histories, N_ITEMS))[0]
    found = Student.from_stored(HeadStore(tmp_path).read("student"), SPACE)
    (scorer,) = trained_part("student", found, in_space(PLATFORM)).scorers
    assert np.array_equal(scorer.score(HistoryBatch(histories, N_ITEMS))[0], expected)


def with_other_calibration_users(platform):
    """The same platform, whose calibration users did something else."""
    items = platform.sequences.items.reshape(-1, LENGTH).copy()
    items[platform.calibration_users] = (items[platform.calibration_users] * 7 + 3) % N_ITEMS
    return replace(platform, sequences=Sequences(offsets=platform.sequences.offsets, items=items.reshape(-1)))


@pytest.mark.parametrize("kind", ["encoder", "stack"])
def test_learns_nothing_of_a_calibration_user(kind):
    other = with_other_calibration_users(PLATFORM)
    assert not np.array_equal(other.sequences.items, PLATFORM.sequences.items)
    one, two = student_of(kind), student_of(kind, other)
    assert np.array_equal(one.encoder.flat, two.encoder.flat)
    assert all(np.array_equal(getattr(one.head, name), getattr(two.head, name)) for name in ("v", "a", "b"))
    assert np.array_equal(trained_part("student", one, in_space(PLATFORM)).unseen, PLATFORM.calibration_users)


def test_learns_the_same_from_a_tuned_teacher_whatever_the_calibration_users_did():
    tuned = [
        tune_on(RECEIVED, PlatformParts(in_space(one), Encoders(), PartSettings(preset="small"), 0))
        for one in (PLATFORM, with_other_calibration_users(PLATFORM))
    ]
    assert np.array_equal(tuned[0].encoder.flat, tuned[1].encoder.flat)


@pytest.mark.parametrize("kind", ["encoder", "stack"])
def test_asks_a_teacher_about_each_encoder_user_once(kind):
    users = np.concatenate([part.users for part in teacher_of(kind, PLATFORM).parts])
    assert np.array_equal(np.sort(users), PLATFORM.encoder_users)


def test_learns_something_else_from_another_teacher_and_from_none(student):
    alone = student_of(settings=replace(QUICK, weight=0.0))
    found = [student.encoder.flat, student_of("stack").encoder.flat, alone.encoder.flat]
    assert len({one.tobytes() for one in found}) == 3


def likeness(vectors):
    """Inner products of each two items, and none with themselves."""
    centred = vectors - vectors.mean(0)
    return (centred @ centred.T)[np.triu_indices(N_ITEMS, 1)]


def test_begins_where_the_teacher_sees_the_catalogue():
    idle = replace(QUICK, training=replace(QUICK.training, epochs=0))
    teacher = teacher_of("encoder", PLATFORM)
    begun = [teach(one, in_space(PLATFORM), "nano", idle, seed=0) for one in (teacher, replace(teacher, vectors=None))]
    seen = [
        item_table(SequenceModel.over(one.encoder.sequence_module(), one.head, HASHED)).vectors.numpy() for one in begun
    ]
    near, far = (np.corrcoef(likeness(one), likeness(teacher.vectors.numpy()))[0, 1] for one in seen)
    assert near > 0.8
    assert near > far + 0.1


def test_takes_the_teachers_own_preset_where_nano_is_no_smaller():
    assert [student_preset(name) for name in ("tiny", "nano", "small")] == ["tiny", "nano", "nano"]


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"weight": -1.0}, {"soft_targets": 0}])
def test_refuses_settings_that_make_no_sense(wrong):
    with pytest.raises(ConfigError, match=rf"KnowledgeSettings\.{next(iter(wrong))} must be"):
        KnowledgeSettings(**wrong)


def test_refuses_a_record_of_another_kind(student):
    stored = student.to_stored()
    short = {name: array for name, array in stored.arrays.items() if name != "v"}
    for wrong in (StoredRecord(arrays=short, facts=stored.facts), StoredRecord(arrays=stored.arrays, facts={})):
        with pytest.raises(HeadStoreError, match="no student"):
            Student.from_stored(wrong, SPACE)
