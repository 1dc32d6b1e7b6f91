"""Engines side by side as Markdown, and the check that they all did the same work."""

from collections.abc import Mapping

from benchmarks.devices.device_course import DeviceCourse
from benchmarks.devices.engines import REFERENCE, Engine, EngineRun
from benchmarks.devices.judgement import largest_difference, ndcg
from benchmarks.narrow_tables import narrow_tables
from shared.errors import DataError

CLOSE_IN_NDCG, CLOSE_IN_NUMBERS = 0.01, 0.05
"""How far an engine may lie from the sequential loop, in parts of the loop's NDCG@10 and of its largest move.

Who averages encoders, not changes, in float32 loses digits that the server's learning rate makes large."""
HEADS = (
    "engine",
    "devices a second",
    "times the loop",
    "ms of a core a device",
    "peak, GiB",
    "NDCG@10",
    "first round, s",
    "processes",
    "difference",
    "versions",
)


def comparison(course: DeviceCourse, runs: Mapping[str, EngineRun]) -> str:
    """Two tables with a line above them, and what each engine is given.

    Args:
        course: that all engines ran on.
        runs: what each came to, by name; the sequential loop is among them.

    Returns:
        Markdown.

    Raises:
        DataError: where an engine's final encoder is not the sequential loop's.
    """
    reference = runs[REFERENCE]
    values = {name: ndcg(course, run.final) for name, run in runs.items()}
    rows = []
    for name, run in runs.items():
        value, difference = values[name], largest_difference(course, run.final, reference.final)
        check_same_work(run.engine, value, values[REFERENCE], difference)
        rows.append(
            [
                run.engine.title,
                f"{run.devices_per_second:.1f}",
                f"{run.devices_per_second / reference.devices_per_second:.2f}",
                f"{1000 * run.processor / run.devices:.1f}",
                f"{run.peak:.2f}",
                f"{value:.4f}",
                f"{run.first_round:.1f}",
                str(run.engine.processes),
                f"{difference:.0e}",
                ", ".join(f"{name} {version}" for name, version in run.versions.items()),
            ]
        )
    settings = course.settings
    heading = (
        f"{settings.platform}: {len(course.targets)} devices, {course.n_items} items, {course.rounds} rounds of "
        f"{course.cohort} devices, encoder {settings.preset}, learning rates {settings.learning_rate:g} and "
        f"{settings.server_learning_rate:g}; "
        f"NDCG@10 {ndcg(course, course.initial):.4f} before the first round."
    )
    given = "".join(f"- {run.engine.title}: {run.engine.given}.\n" for run in runs.values())
    return f"{heading}\n\n{narrow_tables(HEADS, rows, keys=1, cuts=(6,))}\nWhat each engine is given:\n\n{given}"


def check_same_work(engine: Engine, value: float, aim: float, difference: float) -> None:
    """Raise DataError unless an engine came to what the sequential loop came to.

    Args:
        engine: whose encoder it is.
        value: its NDCG@10.
        aim: the loop's.
        difference: as of ``largest_difference``.
    """
    is_far = engine.is_same_work and difference > CLOSE_IN_NUMBERS
    if (engine.is_same_work and abs(value - aim) > CLOSE_IN_NDCG * aim) or is_far:
        reached = f"NDCG@10 {value:.4f}, numbers {difference:.1e} of the largest move away"
        raise DataError(f"{engine.title}: expected the sequential loop's encoder, NDCG@10 {aim:.4f}; found {reached}")
