"""Old runs are made small: what a person may want of them stays, and going on with one that has not ended well."""

import pytest

from server.coordinator.old_runs import prune
from server.coordinator.run_book import Run, RunBook, Standing
from shared.federation.config import RoundsConfig

BIG = bytes(10_000)
LARGE = ("start.safetensors", "out/checkpoint.safetensors", "out/moments-0123456789abcdef.safetensors")
ENCODER, SMALL = "out/encoder.safetensors", ("config.json", "standing.json", "out/rounds.json", "out/outcome.json")


@pytest.fixture
def book(tmp_path) -> RunBook:
    return RunBook(tmp_path)


def add(book: RunBook, state: str = "completed") -> Run:
    run = book.add(RoundsConfig(rounds=3), BIG)
    run.out.mkdir()
    for name in (*LARGE, ENCODER):
        (run.folder / name).write_bytes(BIG)
    (run.out / "rounds.json").write_text("[]")
    (run.out / "outcome.json").write_text('{"state": "completed", "reason": ""}')
    run.stands(Standing(state=state))
    return run


def files(run: Run) -> set[str]:
    return {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}


def test_of_an_old_completed_run_its_encoder_and_its_rounds_stay(book) -> None:
    runs = [add(book) for _ in range(4)]
    assert prune(book, 2) == [1, 2]
    assert [files(run) for run in runs[:2]] == [{ENCODER, *SMALL}] * 2
    assert [files(run) for run in runs[2:]] == [{ENCODER, *SMALL, *LARGE}] * 2
    assert prune(book, 2) == []
    assert [run.number for run in book.runs()] == [1, 2, 3, 4]
    assert add(book).number == 5


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_what_going_on_with_a_run_needs_stays(book, state) -> None:
    run = add(book, state)
    for _ in range(3):
        add(book)
    assert run.number in prune(book, 2)
    assert files(run) == {*SMALL, *LARGE}


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_is_open_stays_as_it_is(book, state) -> None:
    run = add(book, state)
    for _ in range(3):
        add(book)
    prune(book, 1)
    assert files(run) == {ENCODER, *SMALL, *LARGE}


def test_a_failed_run_without_a_checkpoint_keeps_its_encoder(book) -> None:
    run = add(book, "failed")
    (run.out / "checkpoint.safetensors").unlink()
    add(book)
    prune(book, 1)
    assert run.encoder.exists()
