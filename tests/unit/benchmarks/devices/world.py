"""A course of a small platform, for tests of what engines are given and judged by."""

from benchmarks.devices.course_writer import course_of
from benchmarks.devices.device_course import CourseSettings, DeviceCourse
from tests.unit.client.recommender.world import prepared, small_platform


def settings(**changed: object) -> CourseSettings:
    options = {
        "platform": "small",
        "preset": "tiny",
        "learning_rate": 0.05,
        "server_learning_rate": 2.0,
        "seed": 3,
    } | changed
    return CourseSettings(**options)  # type: ignore[arg-type]


def small_course(*, rounds: int = 2, cohort: int = 4, **changed: object) -> DeviceCourse:
    return course_of(prepared(small_platform()), settings(**changed), rounds=rounds, cohort=cohort)
