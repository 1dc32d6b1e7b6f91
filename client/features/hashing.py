"""The feature space ``hashing`` or ``hashing:DIM``: hashed n-grams of the text, randomly projected, of length 1.

Binary word 1-2-grams of weight 1 and character 3-5-grams (inside a word and its two edges) of weight 1/2; each gram's
hash chooses a fixed row of random signs (random projection with signs: Achlioptas 2003). No idf: a local idf would give
each platform a space of its own. No download, no fitted state, the same on every machine.

The same grams under a catalogue's own idf are for scorers that stay on the platform, never for the encoder.
"""

import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.ragged import offsets_of
from client.features.rows import sparse_rows, unit_rows
from shared.errors import ConfigError
from shared.feature_space import PROBE_TEXTS, FeatureSpace, Parameters, fingerprinted
from shared.seeding import seed_for

NAME = "hashing"
BUCKETS = 2**18
CHARACTER_GRAMS = (3, 4, 5)
CHARACTER_WEIGHT = 0.5
PROJECTION_ROWS = 8192
TEXTS = 40_000
"""Texts that are read together: their grams, and a second copy of their vectors, lie in memory at once."""
DIM, LEAST_DIM, MOST_DIM = 1024, 64, 4096
"""Length of a vector unless another is asked for, and the bounds of that; all multiples of 64."""
_COSINES_UP_TO = 6_000
"""Items up to which the cosines of all pairs are worked out once: 144 MB."""
_WORD = re.compile(r"\w+")


def dim_of(label: str) -> int | None:
    """The length that ``label`` asks for, the usual one where it is empty, or None where it is no sound one."""
    if not label:
        return DIM
    dim = int(label) if label.isascii() and label.isdigit() else 0
    return dim if LEAST_DIM <= dim <= MOST_DIM and dim % 64 == 0 else None


@lru_cache(maxsize=8)
def hashing_space(dim: int = DIM) -> FeatureSpace:
    """The identity of this feature space with vectors of length ``dim`` (a multiple of 64)."""
    parameters: Parameters = (("dim", dim), ("buckets", BUCKETS), ("version", 1))
    return fingerprinted(NAME, parameters, hash_texts(PROBE_TEXTS, dim))


def hash_texts(texts: Sequence[str], dim: int = DIM) -> NDArray[np.float32]:
    """Vectors of texts by hashed n-grams.

    Args:
        texts: n of them, one for each item.
        dim: length of a vector, D.

    Returns:
        [n, D] vectors of length 1, or 0 where a text holds no word.
    """
    signs, vectors = _sign_bits(dim), np.empty((len(texts), dim), np.float32)
    for start in range(0, len(texts), TEXTS):
        weights = gram_weights(texts[start : start + TEXTS])
        vectors[start : start + TEXTS] = unit_rows(_project(weights, signs))
    return vectors


def gram_weights(texts: Sequence[str]) -> sp.csr_array:
    """The weight of each hashed gram of a text: 1 for words, 1/2 for characters, added where both meet.

    Args:
        texts: n of them.

    Returns:
        [n, BUCKETS], not to be changed: of up to ``TEXTS`` the last are kept.
    """
    return _kept_weights(tuple(texts)) if len(texts) <= TEXTS else _weights(texts)


@lru_cache(maxsize=1)
def _kept_weights(texts: tuple[str, ...]) -> sp.csr_array:
    return _weights(texts)


def _weights(texts: Sequence[str]) -> sp.csr_array:
    tokens = [_WORD.findall(unicodedata.normalize("NFKC", text).lower()) for text in texts]
    vocabulary = sorted({word for words in tokens for word in words})
    rows = {word: row for row, word in enumerate(vocabulary)}
    in_text = _binary([[rows[word] for word in words] for words in tokens], len(vocabulary))
    in_word = _binary([_character_buckets(word) for word in vocabulary], BUCKETS)
    characters = in_text @ in_word
    characters.data[:] = CHARACTER_WEIGHT
    words = _binary([_word_buckets(words) for words in tokens], BUCKETS)
    return sp.csr_array(characters + words)


def _bucket(gram: str) -> int:
    return zlib.crc32(gram.encode("utf-8")) % BUCKETS


def _word_buckets(words: list[str]) -> Iterable[int]:
    pairs = (f"{left} {right}" for left, right in itertools.pairwise(words))
    return [_bucket("w" + gram) for gram in [*words, *pairs]]


def _character_buckets(word: str) -> Iterable[int]:
    edged = f"<{word}>"
    return [
        _bucket("c" + edged[start : start + size]) for size in CHARACTER_GRAMS for start in range(len(edged) - size + 1)
    ]


def _binary(rows: Sequence[Iterable[int]], width: int) -> sp.csr_array:
    """[len(rows), width] with a 1 wherever a row names a column, once or more."""
    columns = [list(row) for row in rows]
    offsets = offsets_of(np.array([len(row) for row in columns], np.int64))
    indices = np.fromiter(itertools.chain.from_iterable(columns), np.int64, offsets[-1])
    matrix = sparse_rows(np.ones(len(indices), np.float32), indices, offsets, (len(rows), width))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _sign_bits(dim: int) -> NDArray[np.uint8]:
    """[BUCKETS, dim / 8] a bit for each sign of the fixed matrix of signs."""
    raw = np.random.PCG64(seed_for(0, "feature-space", NAME, dim)).random_raw(BUCKETS * dim // 64)
    return raw.astype("<u8").view(np.uint8).reshape(BUCKETS, dim // 8)


def _project(grams: sp.csr_array, bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[n, BUCKETS] times the matrix of signs [BUCKETS, D], unpacked only for the buckets in use.

    Weights are halves, and so few that every sum of them is exact: no order of them changes it.
    """
    dim = bits.shape[1] * 8
    used = np.unique(grams.indices)
    by_column = sp.csc_array(grams)
    vectors = np.zeros((grams.shape[0], dim), np.float32)
    for start in range(0, len(used), PROJECTION_ROWS):
        columns = used[start : start + PROJECTION_ROWS]
        signs = np.unpackbits(bits[columns], axis=1).astype(np.float32) * 2 - 1
        vectors += by_column[:, columns] @ signs
    return vectors


@lru_cache(maxsize=16)
def local_grams(texts: tuple[str, ...]) -> sp.csr_array:
    """[n, G] rows of length 1 (0 where a text holds no word), G the grams in use; not to be changed.

    The grams of the space ``hashing``, unprojected, times ln((n + 1) / (df + 1)) + 1 (idf: Salton, Buckley 1988).
    """
    return under_idf(gram_weights(texts))


@lru_cache(maxsize=1)
def gram_cosines(texts: tuple[str, ...]) -> NDArray[np.float32] | None:
    """[n, n] of ``local_grams``; None without any, and for more than ``_COSINES_UP_TO`` items. Not to be changed."""
    if len(texts) > _COSINES_UP_TO or not (grams := local_grams(texts)).nnz:
        return None
    return np.asarray((grams @ grams.T).toarray(), np.float32)


def under_idf(weights: sp.csr_array) -> sp.csr_array:
    """The same grams, times the catalogue's own idf and scaled to length 1; see ``local_grams``.

    Args:
        weights: [n, BUCKETS] of the catalogue, as ``gram_weights`` gives them.

    Returns:
        [n, G] rows of length 1, or 0 where a text holds no word; G the grams in use.
    """
    n = weights.shape[0]
    frequency = np.bincount(weights.indices, minlength=BUCKETS)
    used = np.flatnonzero(frequency)
    column = (np.cumsum(frequency > 0) - 1)[weights.indices]
    values = weights.data * idf_of(weights)[weights.indices]
    row = np.repeat(np.arange(n), np.diff(weights.indptr))
    norms = np.sqrt(np.bincount(row, values**2, minlength=n)).astype(np.float32)
    return sparse_rows(values / norms[row], column, weights.indptr, (n, len(used)))


def idf_of(weights: sp.csr_array) -> NDArray[np.float32]:
    """[BUCKETS] ln((n + 1) / (df + 1)) + 1 of grams in weights [n, BUCKETS]."""
    frequency = np.bincount(weights.indices, minlength=BUCKETS)
    return np.asarray(np.log((weights.shape[0] + 1) / (frequency + 1)) + 1, np.float32)


def probe_vectors(space: FeatureSpace) -> NDArray[np.float32]:
    """[P, D] vectors of the probe texts; raises ConfigError for a space that cannot read a text."""
    if space.name != NAME:
        raise ConfigError(f"the probe texts need a feature space that reads texts (hashing); got {space.name}")
    return hash_texts(PROBE_TEXTS, space.dim)
