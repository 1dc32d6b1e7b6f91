"""The feature space ``sentence-transformers:MODEL``: vectors of a pretrained sentence encoder, computed here.

MODEL is a folder that holds a model, an installed package that carries one, or a name on the Hugging Face hub; only the
last needs a network. Needs the extra ``text``.
"""

import contextlib
import hashlib
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from client.features.rows import unit_rows
from shared.errors import ConfigError
from shared.feature_space import PROBE_TEXTS, FeatureSpace, Parameters, fingerprinted
from shared.system.device import CPU, Device
from shared.system.progress import track

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SENTENCES = "sentence-transformers"
LIBRARY = "sentence_transformers"
MODEL_MARK = "modules.json"
"""The file by which a folder is known to hold a model."""
BATCH = 512
INNER_BATCH = 64


@dataclass(frozen=True, eq=False)
class SentenceSpace:
    """A sentence encoder and the identity of the space that its vectors lie in."""

    space: FeatureSpace
    model: "SentenceTransformer"

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, D] of length 1."""
        return _encoded(self.model, texts)


@lru_cache(maxsize=2)
def sentence_space(model: str, device: Device = CPU) -> SentenceSpace:
    """The space of a model; its identity is the same on every device.

    Args:
        model: a folder, a package or a name on the hub.
        device: where sentences are read.

    Returns:
        The space.

    Raises:
        ConfigError: if the library or the model is missing.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise ConfigError(
            f"features {SENTENCES}:{model} need the extra text (pip install 'graft[text]'); it is missing"
        )
    loaded = _loaded(model, device)
    probes = _encoded(loaded, PROBE_TEXTS)
    parameters: Parameters = (("dim", probes.shape[1]), ("weights", _weights(loaded)), ("probes", _nearness(probes)))
    space = fingerprinted(SENTENCES, parameters, np.zeros((1, probes.shape[1]), np.float32))
    return SentenceSpace(space=space, model=loaded)


def _loaded(model: str, device: Device) -> "SentenceTransformer":
    folder = _folder(model)
    source = model if folder is None else str(folder)
    with _quiet():
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(source, device=device, local_files_only=folder is not None)
        except Exception as error:  # the library and what it calls raise errors of many kinds for a missing model
            raise ConfigError(
                f"features {SENTENCES}:{model}: expected a folder with a model, an installed package that carries one "
                f"or a name on the hub; {source!r} could not be loaded ({type(error).__name__})"
            ) from error


def _folder(model: str) -> Path | None:
    """Where the model lies, or None where only the hub may know it."""
    if Path(model).is_dir():
        return Path(model)
    package = model.replace("-", "_")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    for root in (spec.submodule_search_locations or ()) if spec is not None else ():
        marks = sorted(Path(root).rglob(MODEL_MARK))
        if marks:
            return marks[0].parent
    return None


def _encoded(model: "SentenceTransformer", texts: Sequence[str]) -> NDArray[np.float32]:
    parts = []
    for start in track(range(0, len(texts), BATCH), "reading texts"):
        batch = list(texts[start : start + BATCH])
        parts.append(np.asarray(model.encode(batch, batch_size=INNER_BATCH, show_progress_bar=False), np.float32))
    return unit_rows(np.concatenate(parts))


def _weights(model: "SentenceTransformer") -> str:
    """A digest of all weights by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode("utf-8") + b"\0")
        digest.update(np.ascontiguousarray(tensor.detach().float().cpu().numpy()).tobytes())
    return digest.hexdigest()[:32]


def _nearness(probes: NDArray[np.float32]) -> str:
    """A digest of the order of nearness in which each probe [P, D] has the others.

    Tokens and pooling decide it; the last bits, in which machines differ, do not.
    """
    order = np.argsort(-(probes @ probes.T), axis=1)
    return hashlib.sha256(order.astype("<i4").tobytes()).hexdigest()[:32]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own bars and advice."""
    from transformers.utils import logging as transformers_logging

    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
        transformers_logging.enable_progress_bar()
