import io
import itertools

from rich.console import Console

from shared.system.progress import track


def run(*, terminal, seconds_per_item):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80)
    ticks = itertools.count(step=seconds_per_item)
    items = list(track(range(5), "reading", 5, console=console, clock=lambda: next(ticks)))
    return items, out.getvalue()


def test_is_silent_where_the_output_is_no_terminal():
    assert run(terminal=False, seconds_per_item=1.0) == ([0, 1, 2, 3, 4], "")


def test_shows_a_bar_on_a_terminal_after_two_seconds():
    items, shown = run(terminal=True, seconds_per_item=1.0)
    assert items == [0, 1, 2, 3, 4]
    assert "reading" in shown


def test_shows_no_bar_for_quick_work():
    items, shown = run(terminal=True, seconds_per_item=0.1)
    assert items == [0, 1, 2, 3, 4]
    assert "reading" not in shown
