import numpy as np
import pytest

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.errors import EncoderFileError
from shared.feature_space import FeatureSpace
from shared.system.array_file import array_file, read_array_file

SPACE = FeatureSpace(name="hashing", parameters=(("dim", 6), ("seed", 1)), dim=6, fingerprint="abc")
SPEC = EncoderSpec(preset="tiny", input_dim=6, feature_space=SPACE)
CARD = EncoderCard(calibration={"linear": {"weights": [0.5, 0.5]}}, counts={"users": 2048})


@pytest.fixture
def path(tmp_path):
    save_encoder(tmp_path / "encoder.safetensors", Encoder.initial(SPEC, 0), CARD)
    return tmp_path / "encoder.safetensors"


def rewrite(path, *, arrays=None, **metadata):
    """The same file with some arrays or metadata replaced."""
    before, texts = read_array_file(path)
    kept = {name: value for name, value in {**before, **(arrays or {})}.items() if value is not None}
    path.write_bytes(array_file(kept, {**texts, **metadata}))


def test_gives_back_encoder_and_card(path):
    encoder, card = load_encoder(path)
    assert np.array_equal(encoder.flat, Encoder.initial(SPEC, 0).flat)
    assert encoder.spec == SPEC
    assert card == CARD
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.999])
def test_refuses_a_truncated_file(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(EncoderFileError, match="not a whole safetensors file"):
        load_encoder(path)


def test_refuses_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(EncoderFileError, match="not found"):
        load_encoder(tmp_path / "none")
    with pytest.raises(EncoderFileError, match="not a whole"):
        load_encoder(tmp_path)


def test_refuses_a_pickle(path):
    path.write_bytes(b"\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(EncoderFileError, match="not a whole safetensors file"):
        load_encoder(path)


def test_refuses_numbers_that_are_not_finite(path):
    rewrite(path, arrays={"linear.mean_q": np.full(6, np.nan, np.float32)})
    with pytest.raises(EncoderFileError, match=r"linear.mean_q holds numbers that are not finite"):
        load_encoder(path)


@pytest.mark.parametrize(
    "value", [None, np.zeros(7, np.float32), np.zeros((6, 1), np.float32), np.zeros(6, np.float64)]
)
def test_refuses_a_missing_array_a_wrong_shape_and_a_wrong_dtype(path, value):
    rewrite(path, arrays={"linear.mean_q": value})
    with pytest.raises(EncoderFileError, match=r"expected linear.mean_q as float32 \[6\]"):
        load_encoder(path)


def test_refuses_an_array_too_many(path):
    rewrite(path, arrays={"head.v": np.zeros(3, np.float32)})
    with pytest.raises(EncoderFileError, match="1 arrays too many"):
        load_encoder(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"format": "other/1"},
        {"preset": "huge"},
        {"preset": "small"},
        {"layout": '[["a",[1],"float32"]]'},
        {"layout": "["},
        {"layout_hash": "0"},
        {"feature_space": "{}"},
        {"feature_space": "null"},
        {"feature_space": '{"name":"x","parameters":[],"dim":7,"fingerprint":"f"}'},
        {"feature_space": '{"name":"x","parameters":[],"dim":-1,"fingerprint":"f"}'},
        {"feature_space": '{"name":"x","parameters":[],"dim":1e300,"fingerprint":"f"}'},
        {"feature_space": '{"name":"x","parameters":[],"dim":Infinity,"fingerprint":"f"}'},
        {"feature_space": '{"name":"x","parameters":[["a",[]]],"dim":6,"fingerprint":"f"}'},
        {"card": "[]"},
        {"card": '{"calibration":[],"counts":{}}'},
        {"card": '{"calibration":{},"counts":{"users":1.5}}'},
    ],
)
def test_refuses_foreign_metadata(path, metadata):
    rewrite(path, **metadata)
    with pytest.raises(EncoderFileError, match=str(path)):
        load_encoder(path)


def test_leaves_the_old_file_where_writing_fails(path):
    before = path.read_bytes()
    broken = EncoderCard(calibration={"linear": object()})
    with pytest.raises(TypeError):
        save_encoder(path, Encoder.initial(SPEC, 1), broken)
    assert path.read_bytes() == before
