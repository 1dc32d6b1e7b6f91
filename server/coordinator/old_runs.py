"""Old runs made small: what a person may still want of them stays, what only going on with them needs does not.

Of a run that was completed, and is none of the newest, stay what was asked, its rounds, its end, and its encoder; its
checkpoint, the platforms' moments and the encoder that it started from go. One that has failed or was stopped keeps all
that going on with it needs; what can be made again from that goes.
"""

from collections.abc import Iterator
from pathlib import Path

from server.coordinator.run_book import OPEN, Run, RunBook
from server.rounds.checkpoints import CHECKPOINT_FILE, ENCODER_FILE, MOMENTS_FILES


def prune(book: RunBook, keep: int) -> list[int]:
    """Make all but the newest runs small.

    Args:
        book: the coordinator's runs.
        keep: how many of the newest runs stay as they are.

    Returns:
        The numbers of those that became small; one that was so before is not among them.

    Raises:
        ConfigError: if a run's file is damaged.
    """
    runs = book.runs()
    return [run.number for run in runs[: max(0, len(runs) - keep)] if _prune(run)]


def _prune(run: Run) -> bool:
    """Whether anything went."""
    dispensable = [path for path in _dispensable(run) if path.exists()]
    for path in dispensable:
        path.unlink()
    return bool(dispensable)


def _dispensable(run: Run) -> Iterator[Path]:
    state = run.standing().state
    if state == "completed":
        yield run.start
        yield run.out / CHECKPOINT_FILE
        yield from run.out.glob(MOMENTS_FILES)
    elif state not in OPEN and (run.out / CHECKPOINT_FILE).exists():
        yield run.out / ENCODER_FILE
