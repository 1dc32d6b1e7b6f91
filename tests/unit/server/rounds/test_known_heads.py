"""What a coordinator keeps of privacy ledgers that platforms show with vectors under noise."""

from pathlib import Path

import pytest

from server.rounds.known_heads import KnownHeads
from shared.errors import CheckpointError
from shared.privacy.ledger import seal_of


@pytest.mark.parametrize("kept", [True, False])
def test_shows_the_digest_of_the_last_one_that_it_saw_of_this_platform(tmp_path, kept) -> None:
    heads = KnownHeads(tmp_path / "ledgers" if kept else None)
    assert heads.seal("north") == ""
    for head in ("a" * 64, "b" * 64):
        heads.saw("north", head)
        assert heads.seal("north") == seal_of(head)
    assert heads.seal("south") == ""


def test_knows_it_after_a_restart(tmp_path) -> None:
    KnownHeads(tmp_path).saw("north", "a" * 64)
    assert KnownHeads(tmp_path).seal("north") == seal_of("a" * 64)


def test_says_where_it_cannot_be_kept(tmp_path) -> None:
    folder = Path(tmp_path / "file")
    folder.write_text("")
    with pytest.raises(CheckpointError):
        KnownHeads(folder).saw("north", "a" * 64)
