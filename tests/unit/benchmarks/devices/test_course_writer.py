from dataclasses import replace

import numpy as np
import pytest

from benchmarks.devices.course_writer import course_of
from benchmarks.devices.device_course import DeviceCourse
from client.data.sequences import Sequences
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.errors import ConfigError, DataError
from tests.small_space import SPACE
from tests.unit.benchmarks.devices.world import settings, small_course
from tests.unit.client.recommender.world import LENGTH, N_USERS, prepared, small_platform


def test_a_device_trains_on_all_but_its_last_two_events_and_is_tested_on_the_last():
    course, whole = small_course(), small_platform().sequences.items.reshape(N_USERS, LENGTH)
    assert np.array_equal(course.items.reshape(N_USERS, LENGTH - 2), whole[:, :-2])
    assert np.array_equal(course.history_items.reshape(N_USERS, LENGTH - 1), whole[:, :-1])
    assert np.array_equal(course.targets, whole[:, -1])


def test_a_device_trains_on_its_last_events_alone_where_it_has_many():
    course = small_course()
    assert course.events(5, length=12).tolist() == course.items[25:30].tolist()
    assert course.events(5, length=2).tolist() == course.items[27:30].tolist()


def test_cohorts_are_drawn_anew_each_round_and_hold_a_device_once():
    course = small_course(rounds=3, cohort=30)
    assert course.cohorts.shape == (3, 30)
    assert all(len(np.unique(cohort)) == 30 for cohort in course.cohorts)
    assert not np.array_equal(course.cohorts[0], course.cohorts[1])
    assert course.negatives.shape == (3, 5, 64)
    assert np.array_equal(course.cohorts, small_course(rounds=3, cohort=30).cohorts)
    assert not np.array_equal(course.cohorts, small_course(rounds=3, cohort=30, seed=4).cohorts)


def test_a_cohort_is_all_devices_that_can_train_where_there_are_fewer():
    items = small_platform().sequences.items
    short = Sequences(offsets=np.array([0, 3, 7, 11, *range(18, 18 + 7 * 117, 7)]), items=items[: 11 + 7 * 117])
    course = course_of(prepared(replace(small_platform(), sequences=short)), settings(), rounds=1, cohort=1000)
    assert sorted(course.cohorts[0].tolist()) == list(range(1, 120))  # the first has one training event


def test_a_platform_on_which_no_device_can_train_is_refused():
    short = Sequences(offsets=np.arange(N_USERS + 1) * 3, items=small_platform().sequences.items[: N_USERS * 3])
    with pytest.raises(DataError, match="small: expected devices with 2 training events; found none"):
        course_of(prepared(replace(small_platform(), sequences=short)), settings(), rounds=1, cohort=10)


def test_begins_with_the_encoder_that_is_given():
    given = Encoder.initial(EncoderSpec(preset="tiny", input_dim=SPACE.dim, feature_space=SPACE), 9)
    course = course_of(prepared(small_platform()), settings(), rounds=1, cohort=10, initial=given)
    assert np.array_equal(course.initial, given.flat[given.spec.sequence_place])
    assert not np.array_equal(course.initial, small_course().initial)


def test_an_encoder_of_another_size_is_refused():
    given = Encoder.initial(EncoderSpec(preset="nano", input_dim=SPACE.dim, feature_space=SPACE), 9)
    with pytest.raises(ConfigError, match="expected an encoder 'tiny' of hashing vectors with 64 numbers; got 'nano'"):
        course_of(prepared(small_platform()), settings(), rounds=1, cohort=10, initial=given)


def test_a_folder_gives_back_what_was_written(tmp_path):
    course = small_course()
    course.write(tmp_path)
    held = DeviceCourse.read(tmp_path)
    assert held.settings == course.settings
    assert (held.rounds, held.cohort, held.n_items) == (2, 4, 40)
    for name in ("features", "offsets", "items", "cohorts", "negatives", "initial", "history_offsets", "targets"):
        assert np.array_equal(getattr(held, name), getattr(course, name))


def test_a_folder_that_lacks_a_file_is_named(tmp_path):
    small_course().write(tmp_path)
    (tmp_path / "cohorts.npy").unlink()
    with pytest.raises(DataError, match=r"has no cohorts\.npy"):
        DeviceCourse.read(tmp_path)
