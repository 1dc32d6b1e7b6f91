"""What an attacker tells from one release, with and without its noise.

    python -m benchmarks.privacy_attacks DATA --table docs/results/privacy-attacks.md

Reconstruction: a coordinator who knows a catalogue's texts and the way they become vectors solves the cross moment for
pairs of items, and tells items that users met from items that nobody met. Membership: of users whose whole history is
known, those who gave are told from those who did not, by their own matrix in the release, by how well the released map
foretells their next items, and by a classifier trained on releases of other users of the same shop (a shadow model).
Of each, the area under the curve: .5 is chance.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from client.data.folder_options import SharedPreparation
from client.data.platform import training_sequences
from client.data.sequences import Sequences, select
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.features.prepared_platform import PreparedPlatform, prepare_platform
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments, map_on, released_cross, to_square
from shared.encoder.linear import LinearMap
from shared.privacy.gaussian import noise_for
from shared.privacy.grid import middles
from shared.system.whole_file import write_whole

DELTA, FEW_USERS, JUDGED, DRAWS = 1e-6, 5, 300, 3
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    users: int
    epsilon: str
    area: str
    bound: str = ""


def main() -> None:
    """Attack, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the platform folders")
    parser.add_argument("--table", type=Path, required=True, help="file for the table")
    options = parser.parse_args()
    rows = []
    for row in _rows(options.data):
        print(row, flush=True)
        rows.append(row)
    head = ["# What an attacker tells from one release", "", "```sh"]
    head += [
        "python -m benchmarks.privacy_attacks DATA --table docs/results/privacy-attacks.md",
        "```",
        "",
        " ".join(_SAID),
        "",
    ]
    lines = [f"| {row.what} | {row.users:,} | {row.epsilon} | {row.area} | {row.bound} |" for row in rows]
    page = [*head, "| attack | users | ε | AUC | what ε allows |", "|---|---|---|---|---|", *lines, ""]
    write_whole(options.table, "\n".join(page).encode("utf-8"))


_SAID = [
    "Items: `amazon_industrial`, hashed texts, 1,024 numbers; the attacker is told the catalogue.",
    "Users: `amazon_games`, vectors of a text model.",
    "Mean of three draws of the noise, and the least and the most. δ = 10⁻⁶.",
]


def _rows(data: Path) -> Iterator[Row]:
    shop = _prepared(data / "amazon_industrial", "hashing")
    for users in (100, 200, 800, 2_616):
        for epsilon in (np.inf, 8.0):
            yield from _items(shop, users, epsilon)
    games = _prepared(data / "amazon_games", "precomputed")
    for users in (200, 1_800, 12_000):
        for epsilon in (np.inf, 8.0):
            yield from _members(games, users, epsilon)


def _prepared(folder: Path, features: str) -> PreparedPlatform:
    spec = parse_platform_spec(f"{folder.name}={folder}")
    read = read_platform_data(spec.path, spec.said_of_times)
    return prepare_platform(read, spec.preparation(SharedPreparation()), name=spec.name, seed=0, features=features)


def _release(total: Float64, epsilon: float, draw: int) -> tuple[Float64, float]:
    """The sum as it leaves, and the spread of its noise."""
    if np.isinf(epsilon):
        return total, 0.0
    sigma = noise_for(epsilon, DELTA)
    return middles(noised(total, sigma, np.random.default_rng(draw).bytes), sigma), sigma


def _items(shop: PreparedPlatform, users: int, epsilon: float) -> Iterator[Row]:
    """Items that users met, those that few met among them, from items of the catalogue that nobody met."""
    everybody = training_sequences(shop.platform, shop.platform.training_users)
    chosen = select(everybody, np.random.default_rng(users).permutation(len(everybody))[:users])
    public = CatalogueMoments.of(shop.features)
    total = cross_moment(shop.features, chosen, public)
    met = np.bincount(chosen.items, minlength=shop.platform.n_items)
    white = (shop.features.astype(np.float64) - public.mean) @ public.whitening
    dual = np.linalg.pinv(white, rcond=1e-3).T
    areas: dict[str, list[float]] = {"items that users met": [], "items of fewer than five users": []}
    for draw in range(DRAWS):
        released, _sigma = _release(total, epsilon, draw)
        square = to_square(released, public.dim)
        score = np.abs(np.einsum("nd,nd->n", dual @ square, dual))
        areas["items that users met"].append(auc(score[met > 0], score[met == 0]))
        few = (met > 0) & (met < FEW_USERS)
        areas["items of fewer than five users"].append(auc(score[few], score[met == 0]))
    for what, values in areas.items():
        yield Row(what, len(chosen), _said(epsilon), _spread(values))


def _members(shop: PreparedPlatform, users: int, epsilon: float) -> Iterator[Row]:
    """Users who gave from users who did not."""
    everybody = training_sequences(shop.platform, shop.platform.training_users)
    rows = np.random.default_rng(users).permutation(np.flatnonzero(everybody.lengths() > 2))
    gave, others = rows[:users], rows[users : users + 1_500]
    shadows = np.array_split(rows[users + 1_500 : users + 1_500 + 4 * max(users, 400)], 4)
    public = CatalogueMoments.of(shop.features)
    total = cross_moment(shop.features, select(everybody, gave), public)
    side_votes = {
        side: votes(shop.features, everybody, side_rows[:JUDGED], public)
        for side, side_rows in (("in", gave), ("out", others))
    }
    areas: dict[str, list[float]] = {name: [] for name in _ATTACKS}
    for draw in range(DRAWS):
        released, sigma = _release(total, epsilon, draw)
        areas["knows the whole history"].append(auc(side_votes["in"] @ released, side_votes["out"] @ released))
        linear = map_on(released_cross(released, sigma, public), shop.features)
        gains = [lifts(linear, shop.features, everybody, side_rows[:JUDGED], public) for side_rows in (gave, others)]
        areas["loss of the released map"].append(auc(*gains))

        def shadow_map(members: Sequences, place: int) -> LinearMap:
            summed = cross_moment(shop.features, members, public)
            return map_on(released_cross(*_release(summed, epsilon, 100 + place), public), shop.features)

        areas["shadow model"].append(shadowed(shadow_map, shop.features, everybody, shadows, public, gains))
    bound = norm.cdf(1 / (noise_for(epsilon, DELTA) * np.sqrt(2))) if np.isfinite(epsilon) else 1.0
    for what, values in areas.items():
        yield Row(f"membership: {what}", users, _said(epsilon), _spread(values), f"{bound:.3f}")


_ATTACKS = ("knows the whole history", "loss of the released map", "shadow model")


def votes(
    features: NDArray[np.float32], sequences: Sequences, rows: NDArray[np.int64], public: CatalogueMoments
) -> Float64:
    """[N, T] what each user would give."""
    return np.stack([cross_moment(features, select(sequences, rows[at : at + 1]), public) for at in range(len(rows))])


def lifts(
    linear: LinearMap,
    features: NDArray[np.float32],
    sequences: Sequences,
    rows: NDArray[np.int64],
    public: CatalogueMoments,
) -> Float64:
    """[N] how far a map lifts each user's own matrix: minus their loss."""
    raw = CatalogueMoments.none(public.dim)
    flat = CatalogueMoments(mean=public.mean, triangle=raw.triangle)
    weights = linear.W.astype(np.float64)
    return np.array(
        [float(np.sum(to_square(vote, public.dim) * weights)) for vote in votes(features, sequences, rows, flat)]
    )


def shadowed(
    released_map: Callable[[Sequences, int], LinearMap],
    features: NDArray[np.float32],
    sequences: Sequences,
    shadows: list[NDArray[np.int64]],
    public: CatalogueMoments,
    gains: list[Float64],
) -> float:
    """How well ``gains`` are told apart by shadow maps (Shokri et al. 2017).

    By how those of members and of others lie in maps of other users.
    ``released_map`` makes the map of some users as the platform would, ``shadows`` are other users, half of whom give.
    """
    inside, outside = [], []
    for place, shadow in enumerate(shadows):
        half = len(shadow) // 2
        linear = released_map(select(sequences, shadow[:half]), place)
        inside.append(lifts(linear, features, sequences, shadow[: min(half, 100)], public))
        outside.append(lifts(linear, features, sequences, shadow[half : half + 100], public))
    fits = [norm(*norm.fit(np.concatenate(side))) for side in (inside, outside)]
    return auc(*[fits[0].logpdf(side) - fits[1].logpdf(side) for side in gains])


def auc(inside: Float64, outside: Float64) -> float:
    """How often one of ``inside`` scores higher than one of ``outside``."""
    ranks = rankdata(np.concatenate([inside, outside]))[: len(inside)]
    return float((ranks.sum() - len(inside) * (len(inside) + 1) / 2) / (len(inside) * len(outside)))


def _said(epsilon: float) -> str:
    return f"{epsilon:g}" if np.isfinite(epsilon) else "no noise"


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
