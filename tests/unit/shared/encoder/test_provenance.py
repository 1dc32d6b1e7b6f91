"""What a card says of where an encoder comes from: given back, left out where unknown, refused where it is hostile."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.encoder.provenance import Authorship, Provenance
from shared.errors import ConfigError, EncoderFileError
from tests.unit.shared.encoder.test_file import CARD, SPEC, rewrite

SAID = Provenance(
    made_by="News of Übersee", licence="CC-BY-4.0", pretrained="2026-03-01", rounds=12, validation={"both": 0.123}
)
ENCODER = Encoder.initial(SPEC, 0)


def saved(folder: Path, card: EncoderCard) -> Path:
    save_encoder(folder / "encoder.safetensors", ENCODER, card)
    return folder / "encoder.safetensors"


def test_gives_back_what_was_said(tmp_path: Path) -> None:
    card = replace(CARD, **vars(SAID))
    assert load_encoder(saved(tmp_path, card))[1] == card


def test_a_card_that_says_nothing_is_the_bytes_of_before_and_opens(tmp_path: Path) -> None:
    path = saved(tmp_path, CARD)
    before = path.read_bytes()
    rewrite(path, card=json.dumps({"calibration": CARD.calibration, "counts": CARD.counts, "item_moments": {}}))
    assert path.read_bytes() == before
    assert load_encoder(path)[1].provenance() == Provenance()


def test_a_field_of_a_later_version_is_no_hindrance(tmp_path: Path) -> None:
    path = saved(tmp_path, CARD)
    rewrite(path, card=json.dumps({"calibration": {}, "counts": {}, "colour": "red"}))
    assert load_encoder(path)[1] == EncoderCard()


HOSTILE = {
    "control characters": {"made_by": "shop\x1b[2J"},
    "two lines": {"made_by": "shop\nfit: serves feature"},
    "text that turns round": {"licence": "\u202egnp.exe"},
    "ten megabytes": {"licence": "x" * 10_000_000},
    "a number for a name": {"made_by": 7},
    "a list for a licence": {"licence": ["MIT"]},
    "nothing": {"made_by": None},
    "no day": {"pretrained": "yesterday"},
    "a day of no calendar": {"pretrained": "2026-02-30"},
    "half a round": {"rounds": 1.5},
    "rounds that are true": {"rounds": True},
    "fewer rounds than none": {"rounds": -1},
    "more rounds than there can be": {"rounds": 10**400},
    "scores as a list": {"validation": [0.1]},
    "a score above 1": {"validation": {"both": 2.0}},
    "a score that is no number": {"validation": {"both": "high"}},
    "a score that is NaN": {"validation": {"both": float("nan")}},
    "a score's name that steers": {"validation": {"\x1b]0;title\x07": 0.1}},
    "a thousand scores": {"validation": {str(number): 0.1 for number in range(1000)}},
    "a count's name that steers": {"counts": {"\x1b[2J": 2}},
    "a thousand counts": {"counts": {str(number): 2 for number in range(1000)}},
    "a count that cannot be": {"counts": {"users": 10**400}},
}


@pytest.mark.parametrize("card", HOSTILE.values(), ids=HOSTILE)
def test_refuses_hostile_values_with_one_short_sentence(tmp_path: Path, card: dict[str, object]) -> None:
    path = saved(tmp_path, CARD)
    rewrite(path, card=json.dumps({"calibration": {}, "counts": {}, **card}))
    with pytest.raises(EncoderFileError) as refused:
        load_encoder(path)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.isprintable()
    assert len(sentence) < len(str(path)) + 200


@pytest.mark.parametrize(
    "metadata", [{"format": "x" * 10_000_000}, {"preset": "x" * 10_000_000}, {"preset": "\x1b[2J"}], ids=[1, 2, 3]
)
def test_refuses_hostile_metadata_with_one_short_sentence(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = saved(tmp_path, CARD)
    rewrite(path, **metadata)
    with pytest.raises(EncoderFileError) as refused:
        load_encoder(path)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < len(str(path)) + 200


@pytest.mark.parametrize("text", ["a\tb", "a" * 201, "\x9b31m"])
def test_an_operator_cannot_write_what_nobody_would_read(text: str) -> None:
    with pytest.raises(ConfigError, match="made-by must"):
        Authorship(made_by=text)
