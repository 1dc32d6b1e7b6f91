"""The example that reads an exported bundle lists what the platform lists, without torch and without Graft."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.integration.commands import REPOSITORY
from tests.unit.client.export.world import HISTORIES, bundle_of, expected_list, ids_of, shifting, times_of
from tests.unit.client.recommender.served_world import served_world

READER = REPOSITORY / "examples" / "exported" / "reader.py"
_SCRIPT = """
import json, sys
for name in ("torch", "scipy", "polars", "pandas", "client", "shared", "safetensors"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
import reader
bundle = reader.Bundle(sys.argv[2], *sys.argv[4:])
print(json.dumps([bundle.recommend(*asked) for asked in json.loads(sys.argv[3])]))
"""
WORLDS = {
    "plain": served_world,
    "repeats": lambda: served_world(repeats=True, timed=True),
    "shifting": lambda: shifting(served_world(timed=True, shown=True)),
}


def read(bundle: Path, asked: list[list[object]], *digest: str, code: int = 0) -> str:
    words = [sys.executable, "-c", _SCRIPT, str(READER.parent), str(bundle), json.dumps(asked), *digest]
    ended = subprocess.run(words, capture_output=True, text=True, env={"PATH": "", "OMP_NUM_THREADS": "1"})
    assert ended.returncode == code, ended.stderr
    return ended.stderr if code else ended.stdout


@pytest.mark.parametrize(
    ("world", "quantize"), [("plain", ""), ("repeats", ""), ("shifting", ""), ("shifting", "int8")]
)
def test_lists_are_the_platforms_own(tmp_path, world, quantize):
    served = WORLDS[world]()
    bundle = bundle_of(tmp_path, served, quantize=quantize)
    asked = [[ids_of(served, rows), 40, times_of(rows)] for rows in HISTORIES.values()]
    for rows, told in zip(HISTORIES.values(), json.loads(read(bundle, asked)), strict=True):
        expected, scores = expected_list(served, rows, times_of(rows), 40), dict(told)
        assert scores.keys() == expected.keys()
        differences = [abs(scores[item] - expected[item]) for item in expected]
        assert max(differences) < (0.25 if quantize else 0.02)
        both = set(list(expected)[:10]) & {item for item, _ in told[:10]}
        assert len(both) >= (9 if quantize else 10) * min(10, len(expected)) // 10
        assert [score for _, score in told] == sorted(scores.values(), reverse=True)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return bundle_of(tmp_path_factory.mktemp("plain"), served_world(), quantize="int8")


@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("name", ["scores.onnx", "scores.onnx.data", "tables.safetensors"])
def test_a_byte_that_was_changed_is_refused(bundle, tmp_path, name, place):
    copied = shutil.copytree(bundle, tmp_path / "bundle")
    content = bytearray((copied / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (copied / name).write_bytes(content)
    said = read(copied, [], code=1)
    assert "ValueError" in said
    assert f"{name}: expected the SHA-256" in said


def test_a_manifest_that_is_not_the_pinned_one_is_refused(bundle):
    assert "expected the manifest" in read(bundle, [], "0" * 64, code=1)


def test_an_item_that_the_catalogue_lacks_is_refused(bundle):
    asked = [[[*ids_of(served_world(), [3]), "nobody's"]]]
    assert "1 of the 2 items of the history are not in the catalogue" in read(bundle, asked, code=1)


def test_times_that_are_not_as_many_as_items_are_refused(bundle):
    said = read(bundle, [[ids_of(served_world(), [3, 4]), 5, [1.0]]], code=1)
    assert "expected a time for each of the 2 items of the history; found 1" in said


def test_lists_what_was_met_again_where_nothing_else_is_left(bundle):
    ids = json.loads(read(bundle, [[[], 40]]))[0]
    assert len(json.loads(read(bundle, [[[item for item, _ in ids], 5]]))[0]) == 5


def test_a_bundle_names_nobody_and_holds_no_history(tmp_path):
    served = served_world()
    ids = tuple(f"somebody-{user}" for user in range(len(served.users.user_ids)))
    bundle = bundle_of(tmp_path, replace(served, users=replace(served.users, user_ids=ids)), quantize="int8")
    assert b"somebody" not in b"".join(path.read_bytes() for path in bundle.iterdir())
    shapes = json.loads((bundle / "manifest.json").read_text("utf-8"))["shapes"]
    assert not [name for name in shapes if name.startswith(("users", "events"))]
    assert [len(served.users.sequences.items)] not in shapes.values()


def test_the_reader_is_short():
    assert len(READER.read_text("utf-8").splitlines()) < 200


def test_a_list_is_said_on_the_command_line(bundle):
    ids = json.loads(read(bundle, [[[], 2]]))[0]
    words = [sys.executable, str(READER), str(bundle), ids[0][0]]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == 10
    assert np.isfinite([float(line.split()[0]) for line in said]).all()
