"""``graft-client import csv --separator``: a tab by its name."""

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
