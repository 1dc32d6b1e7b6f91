import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from shared.system.array_file import KEY, NotAnArrayFile, array_file, parse_array_file, read_array_file

ARRAYS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array([1, 2], np.int64)}
TEXTS = {"format": "f/1", "facts": '{"x":1}', "digest": "0", "preset": "tiny", "card": "{}"}


def backwards(mapping):
    return dict(reversed(mapping.items()))


def test_gives_the_same_bytes_every_time_and_in_every_order():
    first = array_file(ARRAYS, TEXTS)
    assert all(array_file(backwards(ARRAYS), backwards(TEXTS)) == first for _ in range(20))


def test_gives_back_arrays_and_texts_from_bytes_and_from_a_file(tmp_path):
    content = array_file(ARRAYS, TEXTS)
    (tmp_path / "file").write_bytes(content)
    for arrays, texts in (parse_array_file(content), read_array_file(tmp_path / "file")):
        assert texts == TEXTS
        assert {name: value.tolist() for name, value in arrays.items()} == {"a": [1, 2], "b": [[0, 1, 2], [3, 4, 5]]}
        assert [arrays[name].dtype for name in ("a", "b")] == [np.int64, np.float32]


def test_keeps_the_numbers_of_an_array_that_is_not_contiguous():
    arrays, _ = parse_array_file(array_file({"x": ARRAYS["b"].T}, {}))
    assert np.array_equal(arrays["x"], ARRAYS["b"].T)


def test_reads_files_whose_texts_have_a_key_each(tmp_path):
    content = save(ARRAYS, metadata=TEXTS)
    (tmp_path / "file").write_bytes(content)
    assert parse_array_file(content)[1] == TEXTS
    assert read_array_file(tmp_path / "file")[1] == TEXTS


@pytest.mark.parametrize("text", ["", "[", "[]", '{"a": 1}', "[" * 100_000])
def test_refuses_texts_that_are_no_object_of_texts(tmp_path, text):
    content = save(ARRAYS, metadata={KEY: text})
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(NotAnArrayFile, match="metadata"):
        parse_array_file(content)
    with pytest.raises(NotAnArrayFile, match="metadata"):
        read_array_file(tmp_path / "file")


@given(st.binary(max_size=64))
def test_refuses_any_other_bytes_in_one_way(content):
    with pytest.raises(NotAnArrayFile, match="not a whole safetensors file"):
        parse_array_file(content)


@given(st.integers(0, len(array_file(ARRAYS, TEXTS)) - 1))
def test_refuses_a_cut_file(length):
    with pytest.raises(NotAnArrayFile, match="not a whole safetensors file"):
        parse_array_file(array_file(ARRAYS, TEXTS)[:length])


def test_keeps_texts_under_one_sorted_key():
    content = array_file(ARRAYS, TEXTS)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"] == {KEY: json.dumps(TEXTS, sort_keys=True)}
