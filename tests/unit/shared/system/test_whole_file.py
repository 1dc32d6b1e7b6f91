"""A file is written whole or not at all."""

from pathlib import Path

import pytest

from shared.system.whole_file import write_whole


def test_replaces_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"a longer old text")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_leaves_the_old_file_and_nothing_half_written_where_it_fails(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    (taken / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"taken"):
        write_whole(taken, b"new")
    assert (taken / "inside").is_dir()
    assert list(tmp_path.iterdir()) == [taken]
