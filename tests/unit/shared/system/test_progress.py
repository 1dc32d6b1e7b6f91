"""How far work is: bars on a terminal, lines without one, nothing of quick work or where nobody asked."""

import io
import threading
import time

import pytest
from rich.console import Console

from shared.system.progress import LINE_SECONDS, PATIENCE_SECONDS, Display, shown, track


class Bench:
    """A display whose clock is set by hand."""

    def __init__(self, *, terminal):
        self.out, self.now = io.StringIO(), 0.0
        self.display = Display(Console(file=self.out, force_terminal=terminal, width=80), lambda: self.now)

    def look_at(self, second):
        self.now = second
        self.display.report()

    @property
    def lines(self):
        return self.out.getvalue().splitlines()


@pytest.fixture
def bench():
    return Bench(terminal=False)


def test_says_how_far_work_is_and_how_long_it_takes_where_there_is_no_terminal(bench):
    with bench.display.working("fit", None), bench.display.working("training", 40) as work:
        work.done = 10
        bench.look_at(30)
    assert bench.lines == ["fit, training: 25%, about 1 min 30 s left of this step"]


def test_a_hint_is_given_once_where_work_within_has_minutes_left():
    out = io.StringIO()
    display = Display(Console(file=out, width=80), lambda: 0.0, {"train own": "leave it out: --no-own"})
    with display.working("train own", None), display.working("training", 100) as work:
        for second in (5, 10, 15):
            work.done = second // 5
            display.clock = lambda second=second: second
            display.report()
    assert out.getvalue().count("note: leave it out: --no-own") == 1
    quick = Display(Console(file=out, width=80), lambda: 0.0, {"train own": "never said"})
    with quick.working("train own", None), quick.working("training", 10) as work:
        work.done, quick.clock = 5, lambda: 5.0
        quick.report()
    assert "never said" not in out.getvalue()


def test_names_the_step_that_work_is_a_part_of(bench):
    with bench.display.working("step", 3) as steps:
        steps.done = 1
        with bench.display.working("scoring", 8):
            bench.look_at(5)
    assert bench.lines == ["step 2 of 3, scoring: 0%, 5 s so far"]


def test_says_what_is_known_of_work_without_an_end(bench):
    with bench.display.working("reading", None) as work:
        bench.look_at(5)
        work.done = 12_000
        bench.look_at(600)
    assert bench.lines == ["reading: 5 s so far", "reading: 12,000 done, 10 min 0 s so far"]


def test_writes_lines_ever_further_apart_and_none_for_quick_work(bench):
    with bench.display.working("reading", None):
        for second in range(300):
            bench.look_at(second)
    # the first when it has become long; the pause after it doubles up to a minute
    begin = int(PATIENCE_SECONDS)
    pauses = [0, *(int(LINE_SECONDS) * (2**doubled - 1) for doubled in range(1, 5)), 120, 180, 240]
    seconds = [begin + pause for pause in pauses]
    said = [f"{each} s" if each < 60 else f"{each // 60} min {each % 60} s" for each in seconds]
    assert bench.lines == [f"reading: {each} so far" for each in said]
    quick = Bench(terminal=False)
    with quick.display.working("reading", None):
        quick.look_at(PATIENCE_SECONDS - 0.1)
    assert quick.lines == []


def test_shows_work_within_work_side_by_side_on_a_terminal_and_takes_it_away():
    bench = Bench(terminal=True)
    with bench.display.working("fitting", 3):
        with bench.display.working("training", 10) as work:
            work.done = 5
            bench.look_at(3)
        bench.look_at(4)
        assert "training" not in bench.out.getvalue().rpartition("fitting")[2]
    bench.display.close()
    assert all(shown in bench.out.getvalue() for shown in ("fitting", "training", "50%"))


def test_quick_work_has_no_bar():
    bench = Bench(terminal=True)
    with bench.display.working("fitting", 3):
        bench.look_at(1)
    bench.display.close()
    assert bench.out.getvalue() == ""


def test_counts_the_items_of_work_that_is_shown_and_shows_it_though_it_says_nothing():
    out, written = io.StringIO(), threading.Event()
    out.write = lambda text: (io.StringIO.write(out, text), written.set())[0]
    seconds = iter([0.0, 0.0, 0.0])
    with shown("fit", console=Console(file=out), clock=lambda: next(seconds, 60.0)):
        for item in track(["a", "b"], "reading"):
            assert item == "a" or written.wait(30)
    assert out.getvalue().splitlines()[0].startswith("fit, reading: ")


def test_says_nothing_where_nobody_asked_and_no_terminal_is_there(capsys):
    assert list(track(range(5), "reading")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_ends_with_the_work_that_fails():
    def fail():
        with shown("fit", console=Console(file=io.StringIO())):
            list(track(iter([1 / 0]), "reading"))

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fail()
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_a_kernel_that_asks_for_colours_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("shared.system.progress.PATIENCE_SECONDS", 0.0)
    for _ in track(range(3), "scoring"):
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "")
