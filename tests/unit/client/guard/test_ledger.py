"""The ledger: what left stands in it after a crash, and a line that was cut off is told."""

import pytest

from client.guard.ledger import Ledger, LedgerLine
from shared.errors import ConfigError, LedgerError
from tests.unit.client.guard.answers import NOON, checked, trained

LEFT = LedgerLine.left(checked(trained()), task="train", round_number=3, now=NOON)
KEPT = LedgerLine.kept("a record that is not listed", task="train", round_number=4, now=NOON)


def test_brings_back_what_was_added_and_is_readable_by_its_owner_alone(tmp_path) -> None:
    path = tmp_path / "logs" / "outbound.jsonl"
    Ledger(path).add(LEFT)
    Ledger(path).add(KEPT)
    assert Ledger(path).lines() == ([LEFT, KEPT], [])
    assert path.stat().st_mode & 0o077 == 0


def test_tells_of_lines_that_cannot_be_read_and_goes_on_after_them(tmp_path) -> None:
    path = tmp_path / "outbound.jsonl"
    Ledger(path).add(LEFT)
    path.write_bytes(path.read_bytes() + b'{"time": "2026-')
    Ledger(path).add(KEPT)
    path.write_bytes(path.read_bytes() + b'[]\n{"metrics": []}\n\xff\n')
    assert Ledger(path).lines() == ([LEFT, KEPT], [2, 4, 5, 6])


def test_says_that_it_cannot_be_written_or_read(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be written"):
        Ledger(tmp_path / "file" / "outbound.jsonl").add(LEFT)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Ledger(tmp_path / "none.jsonl").lines()
