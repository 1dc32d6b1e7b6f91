"""``graft-server encoder export`` where the encoder cannot be written."""

import json
from datetime import UTC, datetime

import pytest

from server.cli.encoder import export
from server.coordinator.home import ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.errors import ConfigError
from shared.feature_space import FeatureSpace

SPACE = FeatureSpace(name="hashing", parameters=(("dim", 8),), dim=8, fingerprint="f" * 32)
ENCODER = Encoder.initial(EncoderSpec(preset="tiny", input_dim=8, feature_space=SPACE), seed=1)


def test_says_in_a_sentence_where_it_cannot_be_written(tmp_path) -> None:
    save_encoder(tmp_path / "start.safetensors", ENCODER, EncoderCard())
    made = make_coordinator(
        tmp_path / "coordinator", tmp_path / "start.safetensors", ServerSettings(), now=datetime.now(UTC)
    )
    with pytest.raises(ConfigError, match=f"{tmp_path}: the encoder cannot be written: "):
        export(file=tmp_path, home=made.home.folder)
    export(file=tmp_path / "out.safetensors", home=made.home.folder)
    assert load_encoder(tmp_path / "out.safetensors")[0].digest == ENCODER.digest


def test_prints_figures_as_json(tmp_path, capsys) -> None:
    save_encoder(tmp_path / "start.safetensors", ENCODER, EncoderCard())
    made = make_coordinator(
        tmp_path / "coordinator", tmp_path / "start.safetensors", ServerSettings(), now=datetime.now(UTC)
    )
    export(home=made.home.folder, file=tmp_path / "out", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": str(tmp_path / "out"), "preset": "tiny", "parameters": ENCODER.flat.size, "privacy": None}
