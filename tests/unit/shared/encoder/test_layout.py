import numpy as np
import pytest

from shared.encoder.encoder import ArraySpec, Layout, flatten, unflatten
from shared.errors import EncoderFileError

LAYOUT = Layout((ArraySpec(name="a", shape=(2, 3)), ArraySpec(name="b", shape=(4,))))


def test_gives_back_what_was_flattened():
    arrays = {"b": np.arange(4, dtype=np.float32), "a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    flat = flatten(LAYOUT, arrays)
    assert flat.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    again = unflatten(LAYOUT, flat)
    assert list(again) == ["a", "b"]
    assert np.array_equal(again["a"], arrays["a"])


def test_refuses_arrays_that_do_not_fit():
    with pytest.raises(ValueError, match="shape"):
        flatten(LAYOUT, {"a": np.zeros((3, 2), np.float32), "b": np.zeros(4, np.float32)})
    with pytest.raises(ValueError, match="expected the arrays"):
        flatten(LAYOUT, {"a": np.zeros((2, 3), np.float32)})
    with pytest.raises(ValueError, match="flat array"):
        unflatten(LAYOUT, np.zeros(9, np.float32))
    with pytest.raises(ValueError, match="flat array"):
        unflatten(LAYOUT, np.zeros(10, np.float64))


def test_survives_json():
    again = Layout.from_json(LAYOUT.to_json())
    assert again == LAYOUT
    assert again.hash == LAYOUT.hash


def test_has_another_hash_for_another_order():
    assert Layout(LAYOUT.arrays[::-1]).hash != LAYOUT.hash


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "3",
        '[["a",[2]]]',
        '[["a",[2.0],"float32"]]',
        '[["a",[0],"float32"]]',
        '[["a",[2],"int64"]]',
        '[["a",[2],"float32"],["a",[2],"float32"]]',
        '[["a",[2],"float32"],["b",[2],"float64"]]',
        "[" * 5000,
    ],
)
def test_refuses_json_that_is_no_layout(text):
    with pytest.raises(EncoderFileError, match="layout"):
        Layout.from_json(text)
