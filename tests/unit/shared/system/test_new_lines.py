"""What was added to a file is read once, whole lines only, also where the file was emptied."""

import pytest

from shared.system.new_lines import NewLines


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def test_reads_each_whole_line_once(log) -> None:
    lines = NewLines(log)
    assert lines.read() == []
    log.write_text("one\ntwo\nthr")
    assert lines.read() == ["one", "two"]
    assert lines.read() == []
    log.write_text("one\ntwo\nthree\n")
    assert lines.read() == ["three"]


def test_begins_anew_where_the_file_was_put_aside(log) -> None:
    log.write_text("one\ntwo\n")
    lines = NewLines(log)
    lines.read()
    log.write_text("new\n")
    assert lines.read() == ["new"]


def test_may_begin_at_its_end(log) -> None:
    log.write_text("old\n")
    lines = NewLines(log, from_its_end=True)
    with log.open("a") as stream:
        stream.write("new\n")
    assert lines.read() == ["new"]
