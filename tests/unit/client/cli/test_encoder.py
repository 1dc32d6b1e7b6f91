"""``graft-client encoder show``: the card of a file at the terminal."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli.main import app
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.errors import EncoderFileError
from tests.unit.shared.encoder.test_file import SPEC, rewrite

CARD = EncoderCard(
    made_by="a news site",
    licence="CC-BY-4.0",
    pretrained="2026-03-01",
    rounds=12,
    validation={"both": 0.123},
    counts={"users": 4096, "items": 1024},
    privacy={"epsilon": 8.0, "delta": 1e-6},
)


def shown(file: Path, *options: str) -> str:
    return CliRunner().invoke(app, ["encoder", "show", str(file), *options], catch_exceptions=False).output


def saved(folder: Path, card: EncoderCard) -> Path:
    save_encoder(folder / "encoder.safetensors", Encoder.initial(SPEC, 0), card)
    return folder / "encoder.safetensors"


def test_shows_all_that_the_card_says(tmp_path: Path) -> None:
    file = saved(tmp_path, CARD)
    size = Encoder.initial(SPEC, 0).flat.size
    assert shown(file).splitlines() == [
        f"{file}:",
        "  made by: a news site",
        "  licence: CC-BY-4.0",
        "  pretrained: 2026-03-01",
        "  rounds: 12",
        "  validation: both 0.123",
        "  counts: items 1,024, users 4,096",
        "  feature space: name hashing, dim 6, seed 1",
        "  preset: tiny",
        f"  parameters: {size:,}",
        "  privacy: delta 1e-06, epsilon 8",
    ]
    told = json.loads(shown(file, "--json"))
    assert (told["made_by"], told["rounds"], told["validation"]) == ("a news site", 12, {"both": 0.123})
    assert told["privacy"] == {"epsilon": 8.0, "delta": 1e-6}


def test_a_file_of_before_says_what_it_does_not_say(tmp_path: Path) -> None:
    file = saved(tmp_path, EncoderCard())
    lines = shown(file).splitlines()
    assert {f"  {name}: not said" for name in ("made by", "licence", "pretrained", "validation", "counts")} <= {*lines}
    assert {"  rounds: 0", "  privacy: none"} <= {*lines}
    told = json.loads(shown(file, "--json"))
    assert (told["made_by"], told["licence"], told["counts"]) == (None, None, None)


def test_a_hostile_file_is_refused_before_it_reaches_the_terminal(tmp_path: Path) -> None:
    file = saved(tmp_path, CARD)
    rewrite(file, card=json.dumps({"calibration": {}, "counts": {}, "made_by": "\x1b[2J"}))
    with pytest.raises(EncoderFileError, match="made-by must be one line without control characters"):
        shown(file)
