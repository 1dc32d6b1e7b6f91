"""What a platform serves, in one record of the head store: all that a list is computed from.

The record holds the catalogue, the users' histories and what was counted of them beside weights, calibrations and the
trained parts, so that opening it counts nothing and no later change of the platform's folder can move its rows.
"""

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.ensemble.calibration import Calibration
from client.ensemble.ensemble import Ensemble, RawEnsemble
from client.ensemble.ensemble_settings import DEFAULT
from client.ensemble.head import RankingHead
from client.features.hashing import hashing_space
from client.features.item_features import PRECOMPUTED, check_features, precomputed_space
from client.features.sentences import SENTENCES, sentence_space
from client.recommender.searched_columns import Search, searches_of
from client.recommender.served_catalogue import (
    ServedCatalogue,
    ServedUsers,
    matrix_from_arrays,
    matrix_to_arrays,
    names_under,
)
from client.recommender.served_parts import NOT_A_RECORD, ServedParts, solved_arrays
from client.scorers.cooccurrence import Matrix
from client.scorers.encoder_scorers import Named
from client.scorers.scorer import WHOLE_UP_TO, FitData, Scorer
from client.scorers.table import COMPLETING, SCORERS
from client.store.head_store import HeadStore, OpenedRecord, StoredRecord
from shared.errors import FeatureSpaceMismatch, HeadStoreError, StorageError
from shared.feature_space import FeatureSpace

SEEN, RELEASED, ORIGIN = "seen", "released", "origin"
"""Facts of the record: whether the platform's users helped to make the encoder, the calibration it came with, and of
which encoder that was received it is a form."""
RECORD = "served"
CHALLENGER = "challenger"
"""the record of a head that is tried beside the served one"""
WITHOUT_HISTORY = ("popularity", "recent", "shown", "age")
"""Scorers that answer where there is no history, in the order of ``SCORERS``: they say the same of an item to all."""
_COUNTED, _BASKET, _SEARCH = "counted.", "basket", "search."
_OF_USERS = ("users.", "events.")
Read = TypeVar("Read")
_HELD_UP_TO = 500_000_000
"""bytes of a record whose rows are all read when it is opened, which takes less than a second"""
LARGE = "large"
"""fact of a record whose catalogue is not scored whole"""
_BY_ROW = re.compile(
    r"features|neighbours|cosines|ids\.[vab]|events\.(items|times)|.*\.(bytes|data|indices|vectors|table|weighed)"
)
"""arrays of which requests over a large catalogue ask rows alone"""


@dataclass(frozen=True, eq=False, kw_only=True)
class BasketHead:
    """What completes a basket: weights over columns of its own, beside those that answer a history."""

    head: RankingHead
    computed: tuple[str, ...]
    """the computed scorers that have weight, by their names in ``SCORERS`` and ``COMPLETING``"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ServedHead:
    """All of a recommender, of the scorers alone that have weight."""

    head: RankingHead
    computed: tuple[str, ...]
    """the computed scorers among them, by their names in ``SCORERS``"""
    popularity: tuple[Calibration, ...]
    """of the columns of ``alone``, whether or not they have weight"""
    parts: ServedParts
    items: ServedCatalogue
    users: ServedUsers
    statistics: Mapping[str, Matrix]
    """what the computed scorers counted"""
    repeats: bool
    """whether items of the history may be recommended"""
    features: str
    """the feature space as ``item_features`` takes it"""
    space: FeatureSpace
    verdict: Mapping[str, Any]
    """the gate's, as JSON"""
    alone: tuple[str, ...] = WITHOUT_HISTORY[:1]
    """those of ``WITHOUT_HISTORY`` that the platform has"""
    reports_until: int = 0
    """the number of the last entry of the platform's journal that was fitted on"""
    seen: bool = False
    """whether the platform's encoder-training users helped to make the encoder among the parts"""
    released: Mapping[str, Any] = field(default_factory=dict)
    """the calibration that came with that encoder, as JSON; empty where the platform tuned it"""
    origin: str = ""
    """digest of the encoder that was received, of which that is a form"""
    basket: BasketHead | None = None
    """None where too few baskets tell what goes together"""
    searches: Mapping[str, Search] = field(default_factory=dict)
    """of a large record: of products that are searched for, by each scorer's first column; a record that is written
    has their cells and basis"""
    prepared_with: Mapping[str, Any] = field(default_factory=dict)
    """how the data were prepared, options by their keys, as JSON; empty in a record of before"""

    @property
    def scorers(self) -> tuple[str, ...]:
        """The computed scorers of all that it answers, each once, by their names in ``SCORERS`` and ``COMPLETING``."""
        return tuple(
            dict.fromkeys((*self.computed, *self.alone, *(() if self.basket is None else self.basket.computed)))
        )

    def write(self, store: HeadStore, record: str = RECORD) -> None:
        """Replace the record.

        Args:
            store: the platform's.
            record: its name.

        Raises:
            HeadStoreError: if the folder cannot be written.
        """
        ranking = self.head.to_stored()
        trained, parts = self.parts.to_record()
        counted: dict[str, NDArray[Any]] = {}
        for name, matrix in self.statistics.items():
            counted |= matrix_to_arrays(_COUNTED + name, matrix)
        baskets, basket = _basket_record(self.basket)
        arrays = {**ranking.arrays, **trained, **counted, **self.items.to_arrays(), **self.users.to_arrays(), **baskets}
        facts = {
            **ranking.facts,
            "parts": parts,
            "computed": list(self.computed),
            "alone": list(self.alone),
            "popularity": [calibration.to_json() for calibration in self.popularity],
            "repeats": self.repeats,
            "features": self.features,
            "fingerprint": self.space.fingerprint,
            "verdict": dict(self.verdict),
            "reports_until": self.reports_until,
            SEEN: self.seen,
            RELEASED: dict(self.released),
            ORIGIN: self.origin,
            "prepared_with": dict(self.prepared_with),
            **basket,
            **({LARGE: True} if len(self.items.item_ids) > WHOLE_UP_TO else {}),
        }
        if LARGE in facts:
            arrays |= self._worked_out()
        store.write(record, StoredRecord(arrays=arrays, facts=facts))

    def _worked_out(self) -> dict[str, NDArray[Any]]:
        """What a large record holds so that opening it works nothing out: encoders over the catalogue, and searches."""
        scorers = {scorer.columns[0].name: scorer for scorer in self.parts.scorers(self.items.catalogue.features)}
        heads = (self.head, *(() if self.basket is None else (self.basket.head,)))
        weighed = {name for head in heads for name in head.names}
        searched = {name: _bare(scorer) for name, scorer in scorers.items() if name in weighed}
        searches = searches_of(searched, self.searches)
        named = {_SEARCH + name: search.to_arrays() for name, search in searches.items()}
        return {
            **solved_arrays(scorers.values()),
            **{f"{name}.{key}": array for name, arrays in named.items() for key, array in arrays.items()},
        }


def read_served(store: HeadStore) -> ServedHead:
    """The record, all of it in memory.

    Raises StorageError where there is none, it is damaged or of another kind, FeatureSpaceMismatch where this
    installation would read items into another space than the one it was fitted in.
    """
    return _read(store, lambda opened: _served(opened.whole))


def open_served(store: HeadStore, record: str = RECORD) -> ServedHead:
    """The record, to answer requests: of a large one, what a request asks rows of is read when it does.

    Args:
        store: which holds the record.
        record: its name.

    Returns:
        The head.

    Raises:
        StorageError: as ``read_served`` does; also later, where a damaged part is touched.
        FeatureSpaceMismatch: as ``read_served`` does.
    """
    return _read(store, lambda opened: _served(_touched(opened) if LARGE in opened.facts else opened.whole), record)


def promote_challenger(store: HeadStore) -> None:
    """Serve the challenger from now on; a crash in between leaves either head served, and is made up for.

    Raises StorageError where there is no challenger, or the record cannot be written.
    """
    opened = _read(store, lambda opened: opened, CHALLENGER)
    store.write_parts(RECORD, {name: opened.rows(name) for name in opened.places}, opened.facts)
    store.delete(CHALLENGER)


def forget_users(store: HeadStore, users: Set[str], record: str = RECORD) -> int:
    """Remove users and their events from the record; all else is copied as it lies there.

    Args:
        store: which holds the record.
        users: their ids; those that the record lacks are passed over.
        record: its name.

    Returns:
        How many events were removed.

    Raises:
        StorageError: if there is no record, it is damaged, or it cannot be written.
    """
    opened, known = _read(store, lambda opened: (opened, ServedUsers.from_arrays(_arrays_of_users(opened))), record)
    remaining = known.without(users)
    if remaining is known:
        return 0
    others = {name: opened.rows(name) for name in opened.places if not name.startswith(_OF_USERS)}
    store.write_parts(record, {**others, **remaining.to_arrays()}, opened.facts)
    return len(known.sequences.items) - len(remaining.sequences.items)


def _arrays_of_users(opened: OpenedRecord) -> dict[str, NDArray[Any]]:
    return {name: opened.array(name) for name in opened.places if name.startswith(_OF_USERS)}


def _read(store: HeadStore, served: Callable[[OpenedRecord], Read], record: str = RECORD) -> Read:
    opened = store.open(record)
    if opened is None:
        raise HeadStoreError("there is no fitted recommender in the folder of heads: 'graft-client fit' makes one")
    try:
        return served(opened)
    except (FeatureSpaceMismatch, StorageError):
        raise
    except NOT_A_RECORD as error:
        raise HeadStoreError(f"the record is no fitted recommender: {type(error).__name__} {error}") from error


def _touched(opened: OpenedRecord) -> StoredRecord:
    """With rows of the record in the place of arrays of which rows alone are asked for."""
    rows = opened.held if opened.content.size <= _HELD_UP_TO else opened.rows
    arrays = {name: rows(name) if _BY_ROW.fullmatch(name) else opened.array(name) for name in opened.places}
    return StoredRecord(arrays=cast("Mapping[str, NDArray[Any]]", arrays), facts=opened.facts)


def _served(stored: StoredRecord) -> ServedHead:
    arrays, facts = stored.arrays, stored.facts
    space = _space_of(str(facts["features"]), arrays["features"].shape[1])
    if facts["fingerprint"] != space.fingerprint:
        raise FeatureSpaceMismatch(f"the recommender was fitted in the space {facts['fingerprint']}; this is {space}")
    names = names_under(_COUNTED, arrays)
    return ServedHead(
        head=RankingHead.from_stored(stored),
        computed=tuple(map(str, facts["computed"])),
        alone=tuple(map(str, facts.get("alone", WITHOUT_HISTORY[:1]))),
        popularity=tuple(Calibration.from_json(calibration) for calibration in facts["popularity"]),
        parts=ServedParts.from_record(arrays, facts["parts"], space),
        items=ServedCatalogue.from_arrays(arrays),
        users=ServedUsers.from_arrays(arrays),
        statistics={name.removeprefix(_COUNTED): matrix_from_arrays(name, arrays) for name in names},
        repeats=bool(facts["repeats"]),
        features=str(facts["features"]),
        space=space,
        verdict=dict(facts["verdict"]),
        reports_until=int(facts.get("reports_until", 0)),
        seen=bool(facts.get(SEEN, False)),
        released=dict(facts.get(RELEASED, {})),
        origin=str(facts.get(ORIGIN, "")),
        basket=_basket_of(stored),
        searches=_searches_of(arrays),
        prepared_with=dict(facts.get("prepared_with", {})),
    )


def _searches_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Search]:
    """None where all of the catalogue is in memory: then they follow its growth."""
    if isinstance(arrays["features"], np.ndarray):
        return {}
    searches: dict[str, dict[str, NDArray[Any]]] = {}
    for name in names_under(_SEARCH, arrays):
        parts = {key.rpartition(".")[2]: array for key, array in arrays.items() if key.rpartition(".")[0] == name}
        searches[name.removeprefix(_SEARCH)] = parts
    return {name: Search.from_arrays(parts) for name, parts in searches.items()}


def _basket_record(basket: BasketHead | None) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and facts."""
    if basket is None:
        return {}, {}
    ranking = basket.head.to_stored()
    arrays = {f"{_BASKET}.{name}": array for name, array in ranking.arrays.items()}
    return arrays, {_BASKET: {**ranking.facts, "computed": list(basket.computed)}}


def _basket_of(stored: StoredRecord) -> BasketHead | None:
    """The inverse of ``_basket_record``; None for a record of before."""
    facts = stored.facts.get(_BASKET)
    if facts is None:
        return None
    begin = f"{_BASKET}."
    arrays = {name.removeprefix(begin): array for name, array in stored.arrays.items() if name.startswith(begin)}
    head = RankingHead.from_stored(StoredRecord(arrays=arrays, facts=facts))
    return BasketHead(head=head, computed=tuple(map(str, facts["computed"])))


def _space_of(features: str, dim: int) -> FeatureSpace:
    """The space alone, without a catalogue to read; ``dim`` is the length of its vectors."""
    check_features(features)
    name, _, label = features.partition(":")
    if name == PRECOMPUTED:
        return precomputed_space(dim, label)
    return sentence_space(label).space if name == SENTENCES else hashing_space(dim)


@dataclass(frozen=True, eq=False, kw_only=True)
class WeighedEnsemble:
    """An ensemble with the weights of its columns."""

    ensemble: Ensemble
    weights: NDArray[np.float64]
    """[R], or [1 + K, R] where they shift with the gap since a user's last event"""


def _bare(scorer: Scorer) -> Scorer:
    return scorer.scorer if isinstance(scorer, Named) else scorer


@dataclass(frozen=True, eq=False, kw_only=True)
class ServedEnsembles:
    """What answers which request; they share their scorers."""

    whole: WeighedEnsemble
    """a history"""
    popularity: WeighedEnsemble
    """nothing at all: popularity, of items and of their neighbours"""
    basket: WeighedEnsemble | None
    """a basket that is to be completed"""

    @property
    def scorers(self) -> dict[str, Scorer]:
        """Those of all three by their first column's name, without a prefix of their own."""
        weighed = (self.whole, self.popularity, *(() if self.basket is None else (self.basket,)))
        scorers = [scorer for each in weighed for scorer in each.ensemble.raw.scorers]
        return {scorer.columns[0].name: _bare(scorer) for scorer in scorers}


def served_ensembles(served: ServedHead) -> ServedEnsembles:
    """The ensembles of a record; raises HeadStoreError where this installation has other scorers than it weighs."""
    data, parts = _fit_data(served), served.parts.scorers(served.items.catalogue.features)
    table = {**SCORERS, **COMPLETING}
    basket = served.basket
    try:
        computed_scorers = {name: table[name][0](data) for name in served.scorers}
    except KeyError as error:
        raise HeadStoreError(f"the record weighs the scorer {error}, which is not here; fit it again") from error

    def weighed(head: RankingHead, computed: tuple[str, ...]) -> WeighedEnsemble:
        scorers = (*(computed_scorers[name] for name in computed), *parts)
        return _weighed(served, head, scorers)

    alone = tuple(computed_scorers[name] for name in served.alone)
    popularity = Ensemble(raw=_raw(served, alone), calibrations=served.popularity)
    uniform = np.full(len(popularity.names), DEFAULT.candidates.uniform)
    return ServedEnsembles(
        whole=weighed(served.head, served.computed),
        popularity=WeighedEnsemble(ensemble=popularity, weights=uniform),
        basket=None if basket is None else weighed(basket.head, basket.computed),
    )


def _weighed(served: ServedHead, head: RankingHead, scorers: tuple[Scorer, ...]) -> WeighedEnsemble:
    """Of the scorers those that have a column in the head; raises HeadStoreError where theirs are not the head's."""
    used = tuple(scorer for scorer in scorers if {column.name for column in scorer.columns} & set(head.names))
    ensemble = Ensemble(raw=_raw(served, used), calibrations=head.calibrations, gaps=head.gaps)
    if ensemble.names != head.names:
        raise HeadStoreError("the record weighs other columns than its scorers have here; fit it again")
    return WeighedEnsemble(ensemble=ensemble, weights=head.weights)


def _fit_data(served: ServedHead) -> FitData:
    catalogue = served.items.catalogue
    return FitData(
        sequences=Sequences.none(),
        features=catalogue.features,
        neighbours=catalogue.neighbours,
        ordered=True,
        grams=served.items.local_grams,
        statistics=dict(served.statistics),
        repeats=served.repeats,
    )


def _raw(served: ServedHead, scorers: tuple[Scorer, ...]) -> RawEnsemble:
    return RawEnsemble(scorers=scorers, n_items=len(served.items.item_ids), repeats=served.repeats)
