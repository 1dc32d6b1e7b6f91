"""The weight vectors that compete to be a platform's stack, and how one of them is chosen.

1. Computed scorers are weighted on all training users; a trained scorer that has seen none of them joins at once.
2. A trained scorer that has seen some is added on the users it has not seen, shrunk to the weights of step 1.
3. Beside the fitted weights, one per L2 strength, stand some that are fitted of the columns alone that know no moment,
   and some that shift with the gap since a user's last event; the uniform weights, each scorer alone, and those of
   ``zero-shot``, under which content counts as much as either part of a received encoder, and nothing else counts; and
   weights that are shrunk to those, with the largest L2 strength, where all others are shrunk to uniform ones
   (docs/decisions/0022).
4. The choice is made on validation events, which entered no statistic, calibration or weight and stopped no training.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from client.ensemble.cross_fitting import CrossFit, Drawn, Trained
from client.ensemble.ensemble_settings import DEFAULT, CandidateSettings
from client.ensemble.gap_weights import fit_gap_path
from client.ensemble.gaps import Gaps
from client.ensemble.stack import fit_path

OWN_PART = "own"
"""The part that a platform trains without anybody else."""
LOCAL = "local"
"""The method that holds what a platform can do without anybody else."""

ALONE = "alone:"
ZERO_SHOT = "zero-shot"
TOWARD_ZERO_SHOT = "toward-zero-shot"


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """One weight vector over the R columns of a platform's ensemble."""

    name: str
    """how the weights are made (``fitted`` with its L2 strength, ``alone`` with its column), and the parts it holds"""
    weights: NDArray[np.float64]
    """[R]"""
    parts: tuple[str, ...] = ()
    """the trained parts that it may use"""
    at_gaps: NDArray[np.float64] | None = None
    """[K, R] the weights at each gap since a user's last event; None where they do not depend on it. Those of above are
    then what all gaps have in common, and of a history whose gap is not known"""

    @property
    def by_gap(self) -> NDArray[np.float64]:
        """[1 + K, R], or [1, R] where they do not depend on the gap."""
        return self.weights[None] if self.at_gaps is None else np.concatenate([self.weights[None], self.at_gaps])


@dataclass(frozen=True, eq=False, kw_only=True)
class ColumnGroups:
    """Which of the R columns belong to the computed scorers and which to each trained part."""

    names: tuple[str, ...]
    """[R]"""
    parts: Mapping[str, NDArray[np.int64]]
    """trained part to its column indices; all others are computed"""
    content: NDArray[np.int64]
    """the computed columns of content"""
    timed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """the computed columns that know the moment"""

    def of(self, parts: Sequence[str], *, timed: bool = True) -> NDArray[np.bool_]:
        """The computed columns and those of the given parts.

        Args:
            parts: names of trained parts.
            timed: whether computed columns that know the moment are wanted.

        Returns:
            [R] True for a column that is among them.
        """
        mask = np.ones(len(self.names), bool)
        mask[self.timed] = timed
        for name, columns in self.parts.items():
            mask[columns] = name in parts
        return mask

    def holders(self, column: int) -> tuple[str, ...]:
        """The trained part that a column belongs to, if any."""
        return tuple(name for name, columns in self.parts.items() if column in columns)


class StackCandidates:
    """Makes candidates for sets of trained parts; the path of weights that two sets have in common is fitted once."""

    def __init__(
        self,
        fit: CrossFit,
        groups: ColumnGroups,
        trained: Mapping[str, Trained],
        n_training: int,
        settings: CandidateSettings,
        gaps: Gaps,
    ) -> None:
        self._fit, self._groups, self._trained = fit, groups, trained
        self._n_training, self._settings = n_training, settings
        self._gaps = gaps
        self._first: dict[tuple[tuple[str, ...], bool], list[NDArray[np.float64]]] = {}
        self._shifts: dict[tuple[str, ...], list[NDArray[np.float64]]] = {}

    def of(self, parts: Sequence[str]) -> list[Candidate]:
        """Fitted (one per L2 strength), uniform, alone, zero-shot, toward it, over computed and ``parts``' columns."""
        label = "+".join(["computed", *parts])
        names, allowed, settings = self._groups.names, self._groups.of(parts), self._settings
        even = np.where(allowed, settings.uniform, 0.0)
        path = self._path(parts)
        fitted = [
            Candidate(name=f"fitted({l2_strength:g}):{label}", weights=weights, parts=tuple(parts))
            for l2_strength, weights in zip(settings.l2_strengths, path, strict=True)
        ]
        if len(self._groups.timed):
            untimed = zip(settings.l2_strengths, self._path(parts, timed=False), strict=True)
            fitted += [
                Candidate(name=f"untimed({l2_strength:g}):{label}", weights=weights, parts=tuple(parts))
                for l2_strength, weights in untimed
                if l2_strength in settings.untimed
            ]
        if self._gaps.count:
            by_gap = zip(settings.l2_strengths, path, self._shifts_of(parts), strict=True)
            fitted += [
                Candidate(
                    name=f"by-gap({l2_strength:g}):{label}",
                    weights=weights,
                    at_gaps=weights + shifts,
                    parts=tuple(parts),
                )
                for l2_strength, weights, shifts in by_gap
                if l2_strength in settings.by_gap
            ]
        uniform = Candidate(name=f"uniform:{label}", weights=even, parts=tuple(parts))
        eye = np.eye(len(names))
        alone = [
            Candidate(name=f"{ALONE}{names[row]}", weights=eye[row], parts=self._groups.holders(int(row)))
            for row in np.flatnonzero(allowed)
        ]
        frozen = [part for part in parts if self._is_frozen(part)]
        zero_shot = [
            Candidate(name=f"{ZERO_SHOT}:{part}", weights=self._zero_shot(part), parts=(part,)) for part in frozen
        ]
        toward = [
            Candidate(name=f"{TOWARD_ZERO_SHOT}:{label}", weights=weights, parts=tuple(parts))
            for part in frozen
            for weights in self._toward_zero_shot(part, parts)
        ]
        return [*fitted, uniform, *alone, *zero_shot, *toward]

    def _is_frozen(self, part: str) -> bool:
        """Whether it is an encoder that the platform uses as it came."""
        encoder = self._trained[part].kept
        return encoder is not None and encoder.head is None

    def _zero_shot(self, part: str) -> NDArray[np.float64]:
        """[R]; all of content counts as much as one other column."""
        weights = np.zeros(len(self._groups.names))
        weights[self._groups.content] = self._settings.uniform / max(len(self._groups.content), 1)
        weights[self._groups.parts[part]] = self._settings.uniform
        return weights

    def _toward_zero_shot(self, frozen: str, parts: Sequence[str]) -> list[NDArray[np.float64]]:
        """[R], shrunk to the weights of zero-shot by the largest L2 strength; none where too few examples tell."""
        examples = self._fit.last.examples.only(self._unseen(parts))
        if len(examples) < self._settings.least_unseen:
            return []
        anchor = self._zero_shot(frozen)
        for part in parts:
            anchor[self._groups.parts[part]] = self._settings.uniform
        return fit_path(examples, [anchor], self._groups.of(parts), [max(self._settings.l2_strengths)])

    def _unseen(self, parts: Sequence[str]) -> NDArray[np.bool_]:
        """[N] whether an example is of a user whose events none of the parts has seen."""
        known = [self._trained[part].unseen for part in parts if not self._is_fresh(part)]
        rows = np.ones(len(self._fit.last.users), bool)
        for unseen in known:
            rows &= np.isin(self._fit.last.users, unseen)
        return rows

    def _is_fresh(self, part: str) -> bool:
        """Whether it has seen no training user."""
        return len(self._trained[part].unseen) == self._n_training

    def _path(self, parts: Sequence[str], *, timed: bool = True) -> list[NDArray[np.float64]]:
        """Fitted weights [R], one per L2 strength; 0 for columns that know the moment unless they are wanted."""
        uniform, l2_strengths = self._settings.uniform, self._settings.l2_strengths
        fresh = tuple(part for part in parts if self._is_fresh(part))
        later = [part for part in parts if part not in fresh]
        if (fresh, timed) not in self._first:
            columns = self._groups.of(fresh, timed=timed)
            anchors = [np.where(columns, uniform, 0.0)] * len(l2_strengths)
            self._first[fresh, timed] = fit_path(self._fit.last.examples, anchors, columns, l2_strengths)
        first = self._first[fresh, timed]
        if not later:
            return first
        unseen = self._unseen(later)
        if unseen.sum() < self._settings.least_unseen:
            return first
        columns = self._groups.of([*fresh, *later], timed=timed)
        added = columns & ~self._groups.of(fresh, timed=timed)
        anchors = [np.where(added, uniform, weights) for weights in first]
        return fit_path(self._fit.last.examples.only(unseen), anchors, columns, l2_strengths)

    def _shifts_of(self, parts: Sequence[str]) -> list[NDArray[np.float64]]:
        """[K, R] for each L2 strength what is added to fitted weights at each gap since a user's last event.

        Of computed columns, and of parts that have seen no training user: the others can be weighted on too few.
        """
        fresh = tuple(part for part in parts if self._is_fresh(part))
        if fresh not in self._shifts:
            drawn = [draw for draw in (self._fit.last, self._fit.earlier) if draw is not None]
            all_drawn = Drawn.joined(drawn)
            steps, plain = self._gaps.steps(all_drawn.gaps), self._path(fresh)
            columns, l2_strengths = self._groups.of(fresh), self._settings.l2_strengths
            path = fit_gap_path(all_drawn.examples, steps, self._gaps.count, plain, columns, l2_strengths)
            self._shifts[fresh] = [rows - weights for rows, weights in zip(path, plain, strict=True)]
        return self._shifts[fresh]


def choose_all(
    options: Mapping[str, Sequence[Candidate]],
    validation: Mapping[str, NDArray[np.float64]],
    settings: CandidateSettings = DEFAULT.candidates,
) -> dict[str, Candidate]:
    """Choose one candidate for each method; ``local`` first, which decides on the own part for all.

    Args:
        options: method to its candidates.
        validation: NDCG without a cutoff [V] by candidate, of the same users.
        settings: the margins, and which L2 strength is the largest.

    Returns:
        Method to the one of its candidates that is chosen.
    """
    local = choose(options[LOCAL], validation, settings) if LOCAL in options else None
    return {
        method: local if local is not None and method == LOCAL else choose(candidates, validation, settings, like=local)
        for method, candidates in options.items()
    }


def in_the_race(
    options: Mapping[str, Sequence[Candidate]],
    validation: Mapping[str, NDArray[np.float64]],
    settings: CandidateSettings = DEFAULT.candidates,
) -> set[str]:
    """Candidates that may be chosen yet when some of the model-selection users have ranked all of them.

    Args:
        options: method to its candidates.
        validation: NDCG without a cutoff [V] by candidate, of the same users.
        settings: how far behind one has lost, and which L2 strength is the largest.

    Returns:
        Names: of each method, and of the columns of each scorer alone, those that are not behind the best by more than
        ``behind`` standard errors of the difference over users (racing; Maron, Moore 1993), and all that a choice may
        compare with.
    """
    columns: dict[str, list[Candidate]] = {}
    for candidate in itertools.chain(*options.values()):
        if candidate.name.startswith(ALONE):
            columns.setdefault(candidate.name.partition("@")[0], []).append(candidate)
    names = set()
    for candidates in [*options.values(), *columns.values()]:
        best = max((validation[candidate.name] for candidate in candidates), key=_mean)
        for candidate in candidates:
            lag = best - validation[candidate.name]
            error = lag.std(ddof=1) / np.sqrt(len(lag))
            if _may_be_plain(candidate, settings.strongest) or lag.mean() <= settings.behind * error:
                names.add(candidate.name)
    return names


def _may_be_plain(candidate: Candidate, strongest: str) -> bool:
    return candidate.name.startswith((strongest, f"{TOWARD_ZERO_SHOT}:", f"{ZERO_SHOT}:"))


def choose(
    candidates: Sequence[Candidate],
    validation: Mapping[str, NDArray[np.float64]],
    settings: CandidateSettings,
    *,
    like: Candidate | None = None,
) -> Candidate:
    """The candidate that is furthest above the plain one by more than its margin, else the plain one.

    The plain one is the first that is fitted with the largest L2 strength: near uniform, and yet it gives a received
    encoder more weight than a share among twenty columns; or, where that is better, the one of zero-shot or the one
    shrunk to it (docs/decisions/0017 and 0022). Where ``like``, what is chosen for ``local``, holds the part that the
    platform trained alone, the plain one holds it too: else a method could lose it for want of a standard error.

    A few dozen users tell little: the best of forty candidates on them is often one that was lucky. So a candidate
    counts what it is better by, less the standard error of that difference over users (the one-standard-error rule;
    Breiman et al. 1984, ch. 3), or less two where few choose (docs/decisions/0017).

    Args:
        candidates: one of them, at least, is fitted with the largest L2 strength.
        validation: NDCG without a cutoff [V] by candidate, of the same users.
        settings: the margins, and which L2 strength is the largest.
        like: see above.
    """
    plain = max(_plain(candidates, settings.strongest, like), key=lambda candidate: _mean(validation[candidate.name]))
    best, most = plain, 0.0
    for candidate in candidates:
        surplus = _surplus(validation[candidate.name] - validation[plain.name], settings)
        if surplus > most:
            best, most = candidate, surplus
    return best


def _mean(values: NDArray[np.float64]) -> float:
    """0 where there are none: with one user alone, the other folds have nobody."""
    return float(values.mean()) if len(values) else 0.0


def _surplus(gain: NDArray[np.float64], settings: CandidateSettings) -> float:
    """The mean of a gain [V], less its margin; 0 where one user alone tells nothing of it."""
    if len(gain) < 2:
        return 0.0
    errors = settings.margin_of_few if len(gain) < settings.few_users else settings.margin
    return float(gain.mean() - errors * gain.std(ddof=1) / np.sqrt(len(gain)))


def _plain(candidates: Sequence[Candidate], first: str, like: Candidate | None) -> list[Candidate]:
    """One whose name begins with ``first``, those shrunk to zero-shot that are as near to ``like``, and zero-shot's."""
    has_own_part = like is not None and OWN_PART in like.parts
    strongest = [candidate for candidate in candidates if candidate.name.startswith(first)]
    alike = [candidate for candidate in candidates if (OWN_PART in candidate.parts) == has_own_part]
    fitted = next((candidate for candidate in alike if candidate.name.startswith(first)), strongest[0])
    toward = [candidate for candidate in alike if candidate.name.startswith(f"{TOWARD_ZERO_SHOT}:")]
    zero_shot = [candidate for candidate in candidates if candidate.name.startswith(f"{ZERO_SHOT}:")]
    return [fitted, *toward] if has_own_part else [fitted, *toward, *zero_shot]
