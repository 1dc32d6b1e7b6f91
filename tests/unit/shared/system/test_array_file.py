import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from shared.system.array_file import (
    KEY,
    NotAnArrayFile,
    array_file,
    array_parts,
    header_length,
    parse_places,
    read_array_file,
)

ARRAYS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array([1, 2], np.int64)}
TEXTS = {"format": "f/1", "facts": '{"x":1}', "digest": "0", "preset": "tiny", "card": "{}"}


DTYPES = ["bool", "u1", "i1", "i2", "u2", "f2", "i4", "u4", "f4", "f8", "i8", "u8"]


def parsed(content):
    """Arrays and texts of a file in memory."""
    length = header_length(content)
    places, texts = parse_places(content[:length], len(content))
    arrays = {
        name: np.frombuffer(content, place.dtype, int(np.prod(place.shape)), place.start).reshape(place.shape)
        for name, place in places.items()
    }
    return arrays, texts


def backwards(mapping):
    return dict(reversed(mapping.items()))


def test_gives_the_same_bytes_every_time_and_in_every_order():
    first = array_file(ARRAYS, TEXTS)
    assert all(array_file(backwards(ARRAYS), backwards(TEXTS)) == first for _ in range(20))


def test_gives_back_arrays_and_texts_from_bytes_and_from_a_file(tmp_path):
    content = array_file(ARRAYS, TEXTS)
    (tmp_path / "file").write_bytes(content)
    for arrays, texts in (parsed(content), read_array_file(tmp_path / "file")):
        assert texts == TEXTS
        assert {name: value.tolist() for name, value in arrays.items()} == {"a": [1, 2], "b": [[0, 1, 2], [3, 4, 5]]}
        assert [arrays[name].dtype for name in ("a", "b")] == [np.int64, np.float32]


def test_keeps_the_numbers_of_an_array_that_is_not_contiguous():
    arrays, _ = parsed(array_file({"x": ARRAYS["b"].T}, {}))
    assert np.array_equal(arrays["x"], ARRAYS["b"].T)


def test_reads_files_whose_texts_have_a_key_each(tmp_path):
    content = save(ARRAYS, metadata=TEXTS)
    (tmp_path / "file").write_bytes(content)
    assert parsed(content)[1] == TEXTS
    assert read_array_file(tmp_path / "file")[1] == TEXTS


@pytest.mark.parametrize("text", ["", "[", "[]", '{"a": 1}', "[" * 100_000])
def test_refuses_texts_that_are_no_object_of_texts(tmp_path, text):
    content = save(ARRAYS, metadata={KEY: text})
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(NotAnArrayFile, match="metadata"):
        parsed(content)
    with pytest.raises(NotAnArrayFile, match="metadata"):
        read_array_file(tmp_path / "file")


@given(st.binary(max_size=64))
def test_refuses_any_other_bytes_in_one_way(content):
    with pytest.raises(NotAnArrayFile, match="not a whole safetensors file"):
        parsed(content)


@given(st.integers(0, len(array_file(ARRAYS, TEXTS)) - 1))
def test_refuses_a_cut_file(length):
    with pytest.raises(NotAnArrayFile, match="not a whole safetensors file"):
        parsed(array_file(ARRAYS, TEXTS)[:length])


def test_keeps_texts_under_one_sorted_key():
    content = array_file(ARRAYS, TEXTS)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"] == {KEY: json.dumps(TEXTS, sort_keys=True)}


@given(
    st.lists(st.tuples(st.text(max_size=3), st.sampled_from(DTYPES), st.integers(0, 5)), max_size=6),
    st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2),
)
def test_writes_the_very_bytes_of_safetensors(named, texts):
    arrays = {name: np.zeros(size, dtype) for name, dtype, size in named if name != "__metadata__"}
    content = array_file(arrays, texts)
    assert content == save(arrays, metadata={KEY: json.dumps(texts, sort_keys=True)})
    assert len(content) == array_parts(arrays, texts).size
    assert load(content).keys() == parsed(content)[0].keys() == arrays.keys()


def test_says_which_dtype_it_cannot_hold():
    with pytest.raises(ValueError, match="no array of complex128"):
        array_file({"x": np.zeros(2, complex)}, {})


@pytest.mark.parametrize("offsets", [[0, 23], [8, 32], [-8, 16], [0, 24, 1], "0", None, [0.0, 24.0]])
def test_refuses_places_that_do_not_follow_each_other(offsets):
    header = json.dumps({"x": {"dtype": "F32", "shape": [2, 3], "data_offsets": offsets}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(24)
    with pytest.raises(NotAnArrayFile, match="not a whole safetensors file"):
        parsed(content)
