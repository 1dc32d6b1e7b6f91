import json

import pytest

from shared.errors import ReleaseRefused
from shared.releases.manifest import Manifest, read_manifest
from tests.unit.shared.releases.release_samples import manifest_of, write_encoder


@pytest.fixture
def manifest(tmp_path) -> Manifest:
    path = tmp_path / "encoder.safetensors"
    return manifest_of(path, write_encoder(path))


def test_is_read_back_as_it_was_written(manifest):
    again = read_manifest(manifest.to_bytes())
    assert again.to_bytes() == manifest.to_bytes()
    assert again.feature_space == manifest.feature_space
    assert (again.rounds, again.privacy, again.expires) == (manifest.rounds, manifest.privacy, manifest.expires)


def changed(manifest: Manifest, **changes: object) -> bytes:
    """With fields, by names with underscores, of other values; ``None`` for left out is ``...``."""
    values = json.loads(manifest.to_bytes())
    for name, value in changes.items():
        field = name.replace("_", "-")
        if value is ...:
            del values[field]
        else:
            values[field] = value
    return json.dumps(values).encode("utf-8")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "expected format 1; found 2"),
        ({"digest": ...}, "found another set, as of 'digest'"),
        ({"more": 1}, "found another set, as of 'more'"),
        ({"version": 0}, "version must be a whole number from 1; found 0"),
        ({"version": True}, "version must be a whole number from 1; found True"),
        ({"parent": 3}, "parent must be below its version 3; found 3"),
        ({"rolls_back_to": 7}, "rolls-back-to must be below its version 3; found 7"),
        ({"created": "yesterday"}, "created must be a moment"),
        ({"expires": "2026-03-01T00:00:00"}, "expires must be a moment with its offset"),
        ({"digest": "A" * 64}, "digest must be 64 hexadecimal digits"),
        ({"size": 1.5}, "size must be a whole number from 1"),
        ({"preset": "huge"}, "expected a preset of tiny"),
        ({"linear": "curve"}, "with the form 'curve'"),
        ({"probes": {"seed": 0, "linear": [], "sequence": []}}, "linear must be 8 lists of 8 numbers"),
        ({"round_history": [{}]}, "round-history: expected the fields"),
        ({"item_moments": []}, "item-moments must be a JSON object"),
        ({"licence": "a\x1b[2J"}, "licence must be one line without control characters"),
        ({"despite": "a" * 201}, "despite must have at most 200 characters"),
        ({"feature_space": {"name": "a", "parameters": [["a"]], "dim": 2, "fingerprint": "b"}}, "pairs of a name"),
    ],
)
def test_says_what_is_wrong(manifest, change, reason):
    with pytest.raises(ReleaseRefused, match=reason.replace("[", r"\[")) as refusal:
        read_manifest(changed(manifest, **change))
    assert refusal.value.code == "manifest"


@pytest.mark.parametrize(
    "privacy",
    [
        {"mechanism": "none", "epsilon": 1.0, "delta": 1e-6},
        {"mechanism": "gaussian", "epsilon": None, "delta": None},
        {"mechanism": "gaussian", "epsilon": 1.0, "delta": None},
    ],
)
def test_refuses_a_promise_without_its_figures(manifest, privacy):
    with pytest.raises(ReleaseRefused, match="a promise must have epsilon and delta"):
        read_manifest(changed(manifest, privacy={**privacy, "unit": "user", "spent": None, "ledgers": 0}))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1, "format": 1}', b'{"format": NaN}', b"\xff" * 10])
def test_refuses_what_is_no_manifest(content):
    with pytest.raises(ReleaseRefused, match=r"expected (JSON|the fields|a JSON object|format 1)"):
        read_manifest(content)


def test_refuses_what_is_too_long():
    with pytest.raises(ReleaseRefused, match="expected at most 4,194,304 bytes"):
        read_manifest(b" " * (2**22 + 1))
