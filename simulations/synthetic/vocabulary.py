"""Words of the synthetic world: made-up syllables, grouped by topic and by style.

K topics, S styles, w words per topic.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CONSONANTS = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "kl", "st", "tr"]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "eo"]
WORDS_PER_STYLE = 6
FILLER_WORDS = 30

Words = NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words that a trade writes about its items with."""

    topics: Words
    """[K, w] from frequent to rare"""
    styles: Words
    """[S, WORDS_PER_STYLE]"""
    fillers: Words
    """[FILLER_WORDS] words that mean nothing"""


def made_up_words(count: int, rng: np.random.Generator) -> Words:
    """[count] distinct words of two or three syllables."""
    syllables = np.array([consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS])
    parts = rng.choice(syllables, size=(2 * count + 100, 3))
    short = rng.random(len(parts)) < 0.4
    words = np.char.add(np.char.add(parts[:, 0], parts[:, 1]), np.where(short, "", parts[:, 2]))
    _, first = np.unique(words, return_index=True)
    return words[np.sort(first)][:count]


def draw_vocabulary(topics: int, styles: int, words_per_topic: int, rng: np.random.Generator) -> Vocabulary:
    """A vocabulary of distinct words."""
    sizes = (topics * words_per_topic, styles * WORDS_PER_STYLE, FILLER_WORDS)
    of_topics, of_styles, fillers = np.split(made_up_words(sum(sizes), rng), np.cumsum(sizes)[:-1])
    return Vocabulary(
        topics=of_topics.reshape(topics, words_per_topic),
        styles=of_styles.reshape(styles, WORDS_PER_STYLE),
        fillers=fillers,
    )


def drifted(common: Vocabulary, own: Vocabulary, drift: float, rng: np.random.Generator) -> Vocabulary:
    """The common vocabulary with a share ``drift`` of its topic and style words replaced by own ones."""
    return Vocabulary(
        topics=_replaced(common.topics, own.topics, drift, rng),
        styles=_replaced(common.styles, own.styles, drift, rng),
        fillers=common.fillers,
    )


def _replaced(common: Words, own: Words, drift: float, rng: np.random.Generator) -> Words:
    return np.where(rng.random(common.shape) < drift, own, common)


def write_texts(
    vocabulary: Vocabulary,
    *,
    main_topics: NDArray[np.int64],
    side_topics: NDArray[np.int64],
    styles: NDArray[np.int64],
    rng: np.random.Generator,
) -> list[str]:
    """[n] one short text for each item: four words of its main topic, one or two of its side topic, one or two of
    its style and a filler; frequent words of a topic are drawn more often (1/rank)."""
    n, w = len(main_topics), vocabulary.topics.shape[1]
    frequency = 1 / np.arange(2, w + 2)
    # exponential races: the first k of a row are k distinct words drawn in proportion to their frequency
    races = rng.exponential(size=(n, w)) / frequency
    main = np.take_along_axis(vocabulary.topics[main_topics], np.argsort(races, axis=1)[:, :4], axis=1)
    side = vocabulary.topics[side_topics[:, None], rng.choice(w, size=(n, 1), p=frequency / frequency.sum())]
    style = vocabulary.styles[styles[:, None], rng.integers(0, WORDS_PER_STYLE, size=(n, 2))]
    filler = vocabulary.fillers[rng.integers(0, FILLER_WORDS, size=(n, 1))]
    return [" ".join(words) for words in np.concatenate([style, main, side, filler], axis=1).tolist()]
