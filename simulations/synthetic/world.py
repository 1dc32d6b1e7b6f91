"""The truth behind the synthetic platforms: topics and their successors, items and their words, users' tastes.

Words are made-up syllables, grouped by topic and by style. K topics, S styles, w words per topic, n items and U users
of a platform, m items of a domain's pool, C complements of an item. Everything follows from the config and the seed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.seeding import rng_for
from simulations.synthetic.config import DOMAINS, TEMPI, PlatformPlan, WorldConfig

_CONSONANTS = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "kl", "st", "tr"]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "eo"]
WORDS_PER_STYLE = 6
FILLER_WORDS = 30

Words = NDArray[np.str_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Vocabulary:
    """The words that a domain writes about its items with."""

    topics: Words
    """[K, w] from frequent to rare"""
    styles: Words
    """[S, WORDS_PER_STYLE]"""
    fillers: Words
    """[FILLER_WORDS] words that mean nothing"""


def made_up_words(count: int, rng: np.random.Generator) -> Words:
    """Distinct words of two or three syllables.

    Args:
        count: how many.
        rng: draws them.

    Returns:
        [count].
    """
    syllables = np.array([consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS])
    parts = rng.choice(syllables, size=(2 * count + 100, 3))
    short = rng.random(len(parts)) < 0.4
    words = np.char.add(np.char.add(parts[:, 0], parts[:, 1]), np.where(short, "", parts[:, 2]))
    _, first = np.unique(words, return_index=True)
    return words[np.sort(first)][:count]


def draw_vocabulary(topics: int, styles: int, words_per_topic: int, rng: np.random.Generator) -> Vocabulary:
    """A vocabulary of distinct words.

    Args:
        topics: K, how many.
        styles: S, how many.
        words_per_topic: w.
        rng: draws the words.

    Returns:
        Words of topics [K, w], of styles [S, ``WORDS_PER_STYLE``], and fillers [``FILLER_WORDS``].
    """
    sizes = (topics * words_per_topic, styles * WORDS_PER_STYLE, FILLER_WORDS)
    of_topics, of_styles, fillers = np.split(made_up_words(sum(sizes), rng), np.cumsum(sizes)[:-1])
    return Vocabulary(
        topics=of_topics.reshape(topics, words_per_topic),
        styles=of_styles.reshape(styles, WORDS_PER_STYLE),
        fillers=fillers,
    )


def drifted(common: Vocabulary, platform_words: Vocabulary, drift: float, rng: np.random.Generator) -> Vocabulary:
    """The common vocabulary with a share of its topic and style words replaced by own ones.

    Args:
        common: the vocabulary of all.
        platform_words: the own words, of the same shapes.
        drift: the share, from 0 to 1.
        rng: draws which words are replaced.

    Returns:
        The vocabulary; its fillers are the common ones.
    """
    return Vocabulary(
        topics=_replaced(common.topics, platform_words.topics, drift, rng),
        styles=_replaced(common.styles, platform_words.styles, drift, rng),
        fillers=common.fillers,
    )


def _replaced(common: Words, own_words: Words, drift: float, rng: np.random.Generator) -> Words:
    return np.where(rng.random(common.shape) < drift, own_words, common)


def write_texts(
    vocabulary: Vocabulary,
    *,
    main_topics: NDArray[np.int64],
    side_topics: NDArray[np.int64],
    styles: NDArray[np.int64],
    rng: np.random.Generator,
) -> list[str]:
    """One short text for each item.

    It has four words of its main topic, one of its side topic, one or two of its style and a filler; frequent words of
    a topic are drawn more often (1/rank).

    Args:
        vocabulary: the words.
        main_topics: [n] topic of each item.
        side_topics: [n] second topic of each item.
        styles: [n] style of each item.
        rng: draws the words.

    Returns:
        [n] texts.
    """
    n, w = len(main_topics), vocabulary.topics.shape[1]
    frequency = 1 / np.arange(2, w + 2)
    # exponential races: the first k of a row are k distinct words drawn in proportion to their frequency
    races = rng.exponential(size=(n, w)) / frequency
    main = np.take_along_axis(vocabulary.topics[main_topics], np.argsort(races, axis=1)[:, :4], axis=1)
    side = vocabulary.topics[side_topics[:, None], rng.choice(w, size=(n, 1), p=frequency / frequency.sum())]
    style = vocabulary.styles[styles[:, None], rng.integers(0, WORDS_PER_STYLE, size=(n, 2))]
    filler = vocabulary.fillers[rng.integers(0, FILLER_WORDS, size=(n, 1))]
    return [" ".join(words) for words in np.concatenate([style, main, side, filler], axis=1).tolist()]


Floats = NDArray[np.float64]

DAY = 86_400
WEEK = 7 * DAY
YEAR = 365 * DAY
"""Seconds in which users begin and items are launched."""
LAUNCHES = YEAR + 10 * WEEK
"""Seconds in which items of a platform are launched whose users go on after their year."""
USUAL = 0.5
"""Share of visits that a user makes at the usual hour of the week, where time matters in full."""
COMPLEMENTS = 3
SUCCESSORS = 2
MIN_EVENTS = 4
MAX_EVENTS = 30
LEAST_FADED = 3.0
"""Nats that an item loses at most, where time matters in full."""
MAIN_TOPIC = 0.8
"""Share of an item that belongs to its main topic; the rest belongs to its side topic."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemPool:
    """All items of a domain."""

    texts: list[str]
    topics: Floats
    """[m, K] rows sum to 1"""
    styles: NDArray[np.int64]
    """[m]"""
    popularity: Floats
    """[m] log, before the platform's own part"""
    complements: NDArray[np.int64]
    """[m, C] pool rows of the items that go well with an item"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Domain:
    """What the platforms of one domain share."""

    pool: ItemPool
    successors: Floats
    """[K, K] row a: 1 where a topic follows topic a"""
    topic_appeal: Floats
    """[K] log popularity of the topics"""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlatformTruth:
    """All that decides which item a user of one platform takes next."""

    plan: PlatformPlan
    item_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    texts: tuple[str, ...]
    topics: Floats
    """[n, K]"""
    styles: Floats
    """[n, S] one-hot"""
    popularity: Floats
    """[n] log"""
    complements: NDArray[np.int64]
    """[n, C] item rows, -1 where the platform does not offer the item"""
    successors: Floats
    """[K, K]"""
    topic_tastes: Floats
    """[U, K]"""
    style_tastes: Floats
    """[U, S]"""
    times: NDArray[np.int64]
    """[U, MAX_EVENTS] when each event of a user happens, in seconds; those of one visit at one time"""
    lengths: NDArray[np.int64]
    """[U] number of events"""
    launches: NDArray[np.int64]
    """[n] when an item is first offered, in seconds"""
    fading: float
    """nats that an item loses in a second after its launch"""
    least: float
    """nats that it loses at most"""
    weekend: Floats
    """[K] log popularity that the topics have on Saturdays and Sundays more than on other days"""


@dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """The synthetic platforms' truths, by name."""

    config: WorldConfig
    seed: int
    truths: dict[str, PlatformTruth]


def build_world(config: WorldConfig, seed: int) -> World:
    """Draw the world.

    Args:
        config: how it is drawn.
        seed: of the world.

    Returns:
        The platforms' truths by name.
    """
    domains = {domain: _draw_domain(config, domain, seed) for domain in DOMAINS}
    weekend = rng_for(seed, "world", "weekend").normal(size=config.topics) * config.tempo
    truths = {plan.name: _draw_platform(config, plan, domains[plan.domain], weekend, seed) for plan in config.plans}
    return World(config=config, seed=seed, truths=truths)


def _draw_domain(config: WorldConfig, domain: str, seed: int) -> Domain:
    drift = config.drift_of_domain(domain)
    size = (config.topics, config.styles, config.words_per_topic)
    rng = rng_for(seed, "world", "trade", domain)  # its word when the draws were chosen
    world = rng_for(seed, "world", "common")
    common_words = draw_vocabulary(*size, world)
    common_successors, common_appeal = _draw_successors(config.topics, world), world.normal(size=config.topics)
    words = drifted(common_words, draw_vocabulary(*size, rng), drift, rng)
    appeal = np.sqrt(1 - drift) * common_appeal + np.sqrt(drift) * rng.normal(size=config.topics)
    m = max((plan.first_item + plan.items for plan in config.plans if plan.domain == domain), default=1)
    main, side = rng.integers(0, config.topics, size=(2, m))
    styles = rng.integers(0, config.styles, size=m)
    topics = np.zeros((m, config.topics))
    topics[np.arange(m), main] += MAIN_TOPIC
    topics[np.arange(m), side] += 1 - MAIN_TOPIC
    return Domain(
        pool=ItemPool(
            texts=write_texts(words, main_topics=main, side_topics=side, styles=styles, rng=rng),
            topics=topics,
            styles=styles,
            popularity=0.6 * rng.normal(size=m),
            complements=rng.integers(0, m, size=(m, COMPLEMENTS)),
        ),
        successors=_with_own_rows(common_successors, drift, rng),
        topic_appeal=appeal,
    )


def _draw_successors(topics: int, rng: np.random.Generator) -> Floats:
    """[K, K] every topic is followed by ``SUCCESSORS`` others, each of which follows equally many."""
    shifts = rng.choice(np.arange(1, topics), size=SUCCESSORS, replace=False)
    order = rng.permutation(topics)
    successors = np.zeros((topics, topics))
    for shift in shifts:
        successors[order, np.roll(order, -shift)] = 1
    return successors


def _with_own_rows(successors: Floats, drift: float, rng: np.random.Generator) -> Floats:
    """A share ``drift`` of the topics is followed by other topics than in the world."""
    own_successors = _draw_successors(len(successors), rng)
    return np.where(rng.random((len(successors), 1)) < drift, own_successors, successors)


def _draw_platform(
    config: WorldConfig, plan: PlatformPlan, domain: Domain, weekend: Floats, seed: int
) -> PlatformTruth:
    tempo = TEMPI[plan.domain]
    rng = rng_for(seed, "world", "platform", plan.name)
    drift = config.drift_within_domain
    offered = plan.first_item + rng.permutation(plan.items)
    topics = domain.pool.topics[offered]
    appeal = np.sqrt(1 - drift) * domain.topic_appeal + np.sqrt(drift) * rng.normal(size=config.topics)
    own_popularity = 0.6 * rng.normal(size=plan.items)
    return PlatformTruth(
        plan=plan,
        item_ids=tuple(f"{plan.name}-{row:04d}" for row in range(plan.items)),
        user_ids=tuple(f"u{number}" for number in rng.permutation(10 * plan.users)[: plan.users].tolist()),
        texts=tuple(domain.pool.texts[row] for row in offered.tolist()),
        topics=topics,
        styles=np.eye(config.styles)[domain.pool.styles[offered]],
        popularity=np.sqrt(1 - drift) * domain.pool.popularity[offered]
        + np.sqrt(drift) * own_popularity
        + 0.3 * topics @ appeal,
        complements=_as_rows(domain.pool.complements[offered], offered, len(domain.pool.texts)),
        successors=_with_own_rows(domain.successors, drift, rng),
        topic_tastes=rng.dirichlet(np.full(config.topics, 0.15), size=plan.users),
        style_tastes=rng.dirichlet(np.full(config.styles, 0.3), size=plan.users),
        times=_in_visits(_draw_times(plan.users, rng), config.tempo, tempo.basket, rng_for(seed, "visits", plan.name)),
        lengths=np.minimum(MIN_EVENTS + rng.poisson(rng.exponential(plan.mean_events, plan.users)), MAX_EVENTS),
        launches=_launched(
            np.where(rng.random(plan.items) < config.late_items, rng.integers(YEAR // 2, YEAR, plan.items), 0),
            config.tempo * tempo.launched,
            rng_for(seed, "launches", plan.name),
        ),
        fading=config.tempo * np.log(2) / (tempo.half_life * DAY),
        least=config.tempo * LEAST_FADED,
        weekend=weekend,
    )


def _launched(launches: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """[n] the launches, with a share of the items launched at any time instead."""
    return np.where(rng.random(len(launches)) < share, rng.integers(0, LAUNCHES, len(launches)), launches)


def _in_visits(times: NDArray[np.int64], tempo: float, basket: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """[U, MAX_EVENTS] the times of visits as those of events: several at one time, some at the user's usual hour."""
    usual = rng.integers(0, WEEK, size=(len(times), 1)) + rng.integers(0, DAY // 24, size=times.shape)
    moved = np.where(rng.random(times.shape) < USUAL * tempo, times // WEEK * WEEK + usual, times)
    visits = np.sort(moved, axis=1) + np.arange(times.shape[1])
    items = 1 + rng.poisson(tempo * (basket - 1), size=times.shape)
    ends = np.cumsum(items, axis=1)
    places = (ends[:, None, :] <= np.arange(times.shape[1])[None, :, None]).sum(axis=2)
    return np.take_along_axis(visits, places, axis=1)


def _as_rows(complements: NDArray[np.int64], offered: NDArray[np.int64], pool: int) -> NDArray[np.int64]:
    rows = np.full(pool, -1, dtype=np.int64)
    rows[offered] = np.arange(len(offered))
    return rows[complements]


def _draw_times(users: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """[U, MAX_EVENTS] users begin at any time of the year; a week lies between two events on average."""
    first = rng.integers(0, YEAR, size=(users, 1))
    gaps = rng.exponential(7 * 86_400, size=(users, MAX_EVENTS - 1)).astype(np.int64) + 60
    return np.concatenate([first, first + np.cumsum(gaps, axis=1)], axis=1)
