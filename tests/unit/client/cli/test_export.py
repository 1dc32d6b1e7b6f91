"""``graft-client export``: what cannot be is one sentence and exit code 2, and nothing is left behind."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from client.cli.main import app, run
from tests.unit.client.export.world import heads_of
from tests.unit.client.recommender.served_world import served_world


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    return heads_of(tmp_path_factory.mktemp("export") / "heads")


def refused(capsys, *words: object) -> str:
    with pytest.raises(SystemExit) as ended:
        run(lambda: app(["export", *map(str, words)], standalone_mode=False))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "tflite"], "format must be one of onnx, torch-export, vectors; got 'tflite'"),
        (["--quantize", "int4"], "quantize must be int8, or not be given; got 'int4'"),
        (["--format", "torch-export", "--quantize", "int8"], "quantize goes with the format onnx; got it with torch"),
        (["--format", "vectors"], "the format vectors needs --to, one of parquet, pgvector, qdrant; got ''"),
        (["--format", "vectors", "--to", "faiss"], "one of parquet, pgvector, qdrant; got 'faiss'"),
        (["--to", "parquet"], "to goes with the format vectors; got it with onnx"),
        (["--licence", "two\nlines"], "licence must be one line"),
    ],
)
def test_what_cannot_be_is_refused(heads, tmp_path, capsys, words, sentence):
    assert sentence in refused(capsys, "--heads", heads, "--out", tmp_path / "out", *words)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_not_written_over(heads, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    assert "expected a folder that is not there yet" in refused(capsys, "--heads", heads, "--out", tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_said(heads, tmp_path, capsys):
    assert "cannot be written" in refused(capsys, "--heads", heads, "--out", tmp_path / "not" / "there")


def test_without_a_head_there_is_nothing_to_export(tmp_path, capsys):
    (tmp_path / "heads").mkdir()
    said = refused(capsys, "--heads", tmp_path / "heads", "--out", tmp_path / "out")
    assert "there is no fitted recommender" in said
    assert [path.name for path in tmp_path.iterdir()] == ["heads"]


def test_a_record_without_an_encoder_has_no_item_vectors(tmp_path, capsys):
    served = served_world()
    weights = np.where([name.endswith(":sequence") for name in served.head.names], 0.0, 1.0)
    heads = heads_of(tmp_path / "heads", replace(served, head=replace(served.head, weights=weights)))
    words = ["--heads", heads, "--out", tmp_path / "out", "--format", "vectors", "--to", "parquet"]
    assert "item vectors need a served encoder with a sequence part" in refused(capsys, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["heads"]


def test_without_the_packages_the_extra_is_named(heads, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert "need the extra export (pip install 'graft[export]')" in refused(
        capsys, "--heads", heads, "--out", tmp_path / "out"
    )
    assert not list(tmp_path.iterdir())


def test_says_what_was_written(heads, tmp_path):
    words = ["export", "--heads", str(heads), "--out", str(tmp_path / "out"), "--format", "torch-export", "--json"]
    ended = CliRunner().invoke(app, words, catch_exceptions=False)
    assert ended.exit_code == 0
    document = json.loads(ended.stdout)
    assert document["bytes"] == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert document["items"] == 40
    assert len(document["manifest"]) == 64
