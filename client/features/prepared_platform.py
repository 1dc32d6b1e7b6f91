"""A platform ready to be worked on: its events prepared, its catalogue with vectors and neighbours."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.event_log import EventLog
from client.data.folder_options import Preparation
from client.data.platform import Platform, known_events, training_sequences
from client.data.preparation import prepare
from client.data.sequences import Sequences
from client.data.source import platform_name, read_platform_data
from client.features.item_features import item_features
from client.features.kept_vectors import KeptVectors
from client.features.rounded_search import nearest_rounded
from client.features.row_matrices import Weigh
from client.features.rows import sparse_rows
from shared.feature_space import FeatureSpace
from shared.system.device import CPU, Device
from shared.system.progress import track

NEIGHBOURS = 60
EXACT_ITEMS = 50_000
"""Items of a catalogue whose neighbours are told by exact cosines; a larger one's by rounded ones."""
_BLOCK_ELEMENTS = 32_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Neighbours:
    """For each of n items its K nearest others, nearest first."""

    items: NDArray[np.int64]
    """[n, K]"""
    cosines: NDArray[np.float32]
    """[n, K]"""

    @cached_property
    def squared_cosines(self) -> sp.csr_array:
        """[n, n] cos² on the edges to the 30 nearest, never negative; not to be changed."""
        return self.graph(lambda cosines: cosines.clip(min=0) ** 2, 30)

    def graph(self, weigh: Weigh, k: int) -> sp.csr_array:
        """The edges from each item to its nearest others, as a matrix.

        Args:
            weigh: gives the weight of each edge by its cosine.
            k: how many of the nearest have an edge; at most K count.

        Returns:
            [n, n] with weights on the edges to the k nearest.
        """
        n, width = self.items.shape[0], min(k, self.items.shape[1])
        weights, items = weigh(self.cosines[:, :width]), self.items[:, :width].reshape(-1)
        return sparse_rows(weights.reshape(-1), items, np.arange(n + 1) * width, (n, n))


def nearest(features: NDArray[np.float32], k: int = NEIGHBOURS, device: Device = CPU) -> Neighbours:
    """The nearest items of each item, by cosine; by rounded ones in a catalogue of more than ``EXACT_ITEMS``.

    Args:
        features: [n, D] vectors, rows of length 1 or 0.
        k: neighbours of each item that are wanted.
        device: where exact cosines are computed and sorted.

    Returns:
        the K = min(k, n − 1) nearest others of each item, nearest first.
    """
    n = len(features)
    k = min(k, n - 1)
    if n > EXACT_ITEMS:
        rounded_items, rounded_cosines = nearest_rounded(features, k)
        return Neighbours(items=rounded_items, cosines=rounded_cosines)
    vectors = torch.from_numpy(features).to(device)
    items, cosines = torch.empty(n, k, dtype=torch.int64), torch.empty(n, k)
    block = max(1, _BLOCK_ELEMENTS // n)
    for start in track(range(0, n, block), "finding neighbours"):
        cosine = vectors[start : start + block] @ vectors.T
        rows = torch.arange(len(cosine), device=vectors.device)
        cosine[rows, rows + start] = -torch.inf
        cosines[start : start + block], items[start : start + block] = (part.cpu() for part in cosine.topk(k, dim=1))
    return Neighbours(items=items.numpy(), cosines=cosines.numpy())


def nearest_after(neighbours: Neighbours, features: NDArray[np.float32], changed: NDArray[np.int64]) -> Neighbours:
    """The nearest items once some vectors are new or others than before.

    Only pairs with a changed row are looked at. An item that loses a neighbour of its K may get a changed item in its
    place though another one, which was not among its K, is nearer.

    Args:
        neighbours: the K nearest before.
        features: [n, D] vectors now; further rows may have joined at the end.
        changed: rows of ``features`` that are new or hold another item's vector than before.

    Returns:
        the K nearest of each of the n items.
    """
    n, k = len(features), neighbours.items.shape[1]
    others = np.setdiff1d(np.arange(len(neighbours.items)), changed)
    known, nearness = neighbours.items[others], neighbours.cosines[others]
    nearness[np.isin(known, changed)] = -np.inf
    items, cosines = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    vectors, size = torch.from_numpy(features), max(1, _BLOCK_ELEMENTS // n)
    for start in track(range(0, len(changed), size), "finding neighbours"):
        block = changed[start : start + size]
        cosine = vectors[torch.from_numpy(block)] @ vectors.T
        cosine[torch.arange(len(block)), torch.from_numpy(block)] = -torch.inf
        cosines[block], items[block] = cosine.topk(k, dim=1)
        best = torch.cat([torch.from_numpy(nearness), cosine.T[torch.from_numpy(others)]], dim=1).topk(k, dim=1)
        places, nearness = best.indices.numpy(), best.values.numpy()
        known_items = np.take_along_axis(known, places.clip(max=k - 1), axis=1)
        known = np.where(places < k, known_items, block[(places - k).clip(min=0)])
    items[others], cosines[others] = known, nearness
    return Neighbours(items=items, cosines=cosines)


@dataclass(frozen=True, eq=False, kw_only=True)
class Catalogue:
    """n items."""

    features: NDArray[np.float32]
    """[n, D]"""
    known: Neighbours | None = None
    """the nearest items, where they were found before"""
    device: Device = CPU
    """where products with its vectors are computed"""

    @cached_property
    def neighbours(self) -> Neighbours:
        """The nearest items of each; looked for at the first call, and once."""
        return nearest(self.features, device=self.device) if self.known is None else self.known


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedPlatform:
    """What every method, task and command starts from."""

    platform: Platform
    space: FeatureSpace
    """of the catalogue's vectors"""
    catalogue: Catalogue

    @property
    def name(self) -> str:
        """The platform's."""
        return self.platform.name

    @cached_property
    def log(self) -> EventLog:
        """What its training users did, in the order of time, as far as it may be counted as of a later moment."""
        trained = training_sequences(self.platform, self.platform.training_users)
        timed = len(trained.items) - int(np.isnan(trained.clock).sum())
        return replace(EventLog.of(known_events(self.platform, self.platform.training_users)), trained=timed)

    @cached_property
    def shown(self) -> EventLog:
        """What its training users were shown, in the order of time; empty where nobody knows."""
        return self.platform.shown or EventLog.of(Sequences.none())

    @property
    def features(self) -> NDArray[np.float32]:
        """[n, D] the catalogue's vectors."""
        return self.catalogue.features

    @property
    def device(self) -> Device:
        """Where encoders are trained on it, and score its catalogue."""
        return self.catalogue.device


def prepare_platform(
    folder: PlatformFolder,
    preparation: Preparation,
    *,
    name: str,
    seed: int,
    features: str,
    cached_vectors: KeptVectors | None = None,
    apart: bool = False,
    device: Device = CPU,
) -> PreparedPlatform:
    """Prepare what was read of a platform.

    Args:
        folder: its items and events.
        preparation: what is dropped and drawn.
        name: what the platform is called.
        seed: of the draws.
        features: the feature space as ``item_features`` takes it.
        cached_vectors: vectors that were made before.
        apart: whether no user may decide what becomes of another one's events.
        device: where sentences are read, encoders trained and catalogues scored.

    Raises DataError or ConfigError for bad input.
    """
    platform = prepare(folder, preparation, name=name, seed=seed, apart=apart)
    space, vectors = item_features(platform, features, cached_vectors=cached_vectors, device=device)
    return PreparedPlatform(platform=platform, space=space, catalogue=Catalogue(features=vectors, device=device))


def open_platform(
    path: Path, preparation: Preparation, *, seed: int, features: str, apart: bool = False, device: Device = CPU
) -> PreparedPlatform:
    """Read a platform folder or database and prepare it, called after itself.

    Args:
        path: the folder, or the file that describes the database.
        preparation: which events, users and items are kept, and how timestamps are read.
        seed: from which users, items and orders are drawn.
        features: name of the feature space, or ``precomputed``.
        apart: whether no user may decide about another one's events.
        device: as of ``prepare_platform``.

    Returns:
        the platform with its vectors.

    Raises:
        InputError: if the data cannot be read or break the data contract, or the options do not fit them.
    """
    data = read_platform_data(path, preparation.said_of_times)
    name = platform_name(path)
    return prepare_platform(data, preparation, name=name, seed=seed, features=features, apart=apart, device=device)
