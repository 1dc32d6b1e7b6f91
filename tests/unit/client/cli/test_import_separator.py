"""``graft-client import csv``: a tab by its name, and what was written as JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli.main import app

ROWS = ("user_id\titem_id\ttimestamp\ttext", "ana\tlamp\t1700000000\ta lamp", "bo\tlamp\t1700000100\ta lamp")


@pytest.mark.parametrize("separator", ["tab", r"\t"])
def test_takes_a_tab_by_name_or_as_programs_write_it(tmp_path: Path, separator: str) -> None:
    (tmp_path / "events.tsv").write_text("\n".join(ROWS) + "\n")
    arguments = [str(tmp_path / "events.tsv"), "--out", str(tmp_path / "shop"), "--separator", separator]
    done = CliRunner().invoke(app, ["import", "csv", *arguments], catch_exceptions=False)
    assert "2 users, 1 items, 2 events" in done.output


def test_prints_what_was_written_as_json(tmp_path: Path) -> None:
    (tmp_path / "events.tsv").write_text("\n".join(ROWS) + "\n")
    arguments = [str(tmp_path / "events.tsv"), "--out", str(tmp_path / "shop"), "--json"]
    done = CliRunner().invoke(app, ["import", "csv", *arguments], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert (told["folder"], told["users"], told["items"], told["events"]) == (str(tmp_path / "shop"), 2, 1, 2)
