"""A course made of a platform by Graft's own preparation: each user is a device."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.devices.device_course import CourseSettings, DeviceCourse
from client.data.held_out import Stage
from client.data.platform import examples, training_sequences
from client.features.prepared_platform import PreparedPlatform
from client.training.cohort_round import drawn_negatives
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.errors import ConfigError, DataError
from shared.federation.updates import round_seed
from shared.seeding import rng_for

LOCAL_STEPS, NEGATIVES = 5, 64
FEWEST_EVENTS = 2
"""A device with fewer training events has nothing to predict, and does not train."""


def course_of(
    prepared: PreparedPlatform, settings: CourseSettings, *, rounds: int, cohort: int, initial: Encoder | None = None
) -> DeviceCourse:
    """What all engines are given of a platform.

    Args:
        prepared: the platform; every user's last event is for the test.
        settings: of the course; all draws follow from its seed.
        rounds: R.
        cohort: K; all devices that can train where there are fewer.
        initial: the encoder that the first round begins with; None: one before any training.

    Returns:
        The course.

    Raises:
        ConfigError: if the initial encoder has another preset or reads another feature space.
        DataError: if no device can train.
    """
    platform, features = prepared.platform, prepared.features
    devices = np.arange(platform.n_users)
    training = training_sequences(platform, devices)
    able = np.flatnonzero(training.lengths() >= FEWEST_EVENTS)
    if len(able) == 0:
        raise DataError(f"{platform.name}: expected devices with {FEWEST_EVENTS} training events; found none")
    spec = EncoderSpec(preset=settings.preset, input_dim=features.shape[1], feature_space=prepared.space)
    encoder = initial or Encoder.initial(spec, settings.seed)
    if (encoder.spec.preset, encoder.spec.feature_space) != (spec.preset, spec.feature_space):
        raise ConfigError(
            f"expected an encoder {spec.preset!r} of {prepared.space.name} vectors with {spec.input_dim} numbers; "
            f"got {encoder.spec.preset!r} of {encoder.spec.feature_space.name} with {encoder.spec.input_dim}"
        )
    tests = examples(platform, Stage.TEST, devices)
    seeds = [round_seed(settings.seed, number + 1) for number in range(rounds)]
    drawn = [
        [drawn_negatives(seed, step, platform.n_items, NEGATIVES) for step in range(LOCAL_STEPS)] for seed in seeds
    ]
    return DeviceCourse(
        settings=settings,
        features=features,
        offsets=training.offsets,
        items=training.items,
        cohorts=cohorts_of(able, rounds=rounds, cohort=cohort, seed=settings.seed),
        negatives=np.array(drawn),
        initial=encoder.flat[encoder.spec.sequence_place],
        history_offsets=tests.histories.offsets,
        history_items=tests.histories.items,
        targets=tests.targets,
    )


def cohorts_of(able: NDArray[np.int64], *, rounds: int, cohort: int, seed: int) -> NDArray[np.int64]:
    """Who takes part in each round, drawn without putting back.

    Args:
        able: rows of the devices that can train.
        rounds: R.
        cohort: K; all devices where there are fewer.
        seed: of the draws.

    Returns:
        [R, K] rows.
    """
    size = min(cohort, len(able))
    return np.stack(
        [rng_for(seed, "device-course", "cohort", number).permutation(able)[:size] for number in range(rounds)]
    )
