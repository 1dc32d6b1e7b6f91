"""One platform fitted, whoever asks: parts, calibrated stacks, the choice among them, the gate's verdict.

A run judges what comes of it on test events, ``fit`` stores what the gate serves, ``evaluate`` and ``assess`` show it.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from client.data.completion import completions, enough_baskets
from client.ensemble.baselines import BaselineSettings
from client.ensemble.candidates import LOCAL
from client.ensemble.cross_fitting import Counted, Trained
from client.ensemble.ensemble_settings import EnsembleSettings
from client.ensemble.fitting import FittedStacks, fit_stacks, with_trained
from client.ensemble.rerank import RerankSettings
from client.features.prepared_platform import PreparedPlatform
from client.gate.gate import NO_ENCODER, GateSettings, GateVerdict, decide
from client.gate.transferability import TransferabilityScore, TransferabilitySettings, transferability_score
from client.scorers.table import ScorerSettings, ScorerTable, completing_table, scorer_table
from client.transfer.method import Encoders, PlatformParts, ReceivedEncoder
from client.transfer.part_settings import PartSettings
from client.transfer.table import METHODS, competing, part_makers, possible, stack_sets
from shared.seeding import rng_for
from shared.system.progress import working


@dataclass(frozen=True, kw_only=True)
class ComponentSettings:
    """Code that makes a ``PlatformFit`` may choose them; every command fits under the defaults."""

    scorers: ScorerSettings = field(default_factory=ScorerSettings)
    ensemble: EnsembleSettings = field(default_factory=EnsembleSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    transferability: TransferabilitySettings = field(default_factory=TransferabilitySettings)
    rerank: RerankSettings = field(default_factory=RerankSettings)
    baselines: BaselineSettings = field(default_factory=BaselineSettings)


DEFAULT = ComponentSettings()


Step = Callable[[str], AbstractContextManager[object]]
"""Says that a step of this name begins; it ends with the context."""


class PlatformFit:
    """One fit: ``train``, then ``stack``, then what is wanted of it."""

    stacks: FittedStacks
    absent: tuple[str, ...]
    """methods whose part this platform is too small to train: their stack holds computed scorers alone, and the gate
    does not know them"""
    basket_stacks: FittedStacks | None = None
    """what completes a basket, chosen as ``local``; None where nobody asked for it, or too few baskets tell"""

    def __init__(
        self,
        prepared: PreparedPlatform,
        encoders: Encoders,
        methods: Iterable[str],
        settings: PartSettings,
        *,
        seed: int,
        components: ComponentSettings = DEFAULT,
        further: ScorerTable | None = None,
    ) -> None:
        """Of ``methods`` those that have a stack are fitted; ``further`` scorers join the computed ones.

        Of a fit under other ``components`` than the usual ones no record can be served (``store_served``).
        """
        self.prepared, self.encoders, self.components, self.seed = prepared, encoders, components, seed
        computed = scorer_table(components.scorers)
        self.parts = PlatformParts(prepared, encoders, settings, seed, computed, components.ensemble)
        self.trained: dict[str, Trained] = {}
        self._again: dict[str, Trained] = {}
        self._counted: Counted = {}
        self._sets = stack_sets(methods, settings)
        self.scorers = {**computed, **(further or {})}

    def train(self, step: Step = working) -> None:
        """Train the parts that the methods' stacks may hold; one that the platform cannot have is left out.

        Args:
            step: says that a step of this name begins; each part is trained within its context.
        """
        for part, make in part_makers(self._sets, self.parts.settings).items():
            with step(f"train {part}"):
                trained = make(self.parts)
            if trained is not None:
                self.trained[part] = trained

    def stack(self, counted: Counted | None = None) -> None:
        """Fit and calibrate every scorer, and choose a stack for each method.

        Args:
            counted: what is counted on the way is kept in it for ``complete_baskets``; None keeps nothing.

        Raises:
            DataError: if no stack can be chosen.
        """
        there = possible(self._sets, self.trained)
        self.absent = tuple(method for method in self._sets if method not in there)
        sets = {method: there.get(method, ((),)) for method in self._sets}
        self.stacks = fit_stacks(
            self.prepared,
            self.trained,
            sets,
            seed=self.seed,
            scorers=self.scorers,
            settings=self.components.ensemble,
            counted=counted,
        )
        self._train_again()

    def _train_again(self) -> None:
        """Where time is cut, the parts that are chosen, with all that is known by the test (docs/decisions/0047)."""
        platform = self.prepared.platform
        split = platform.held_out.trained_again(platform.early_stopping_users)
        if np.array_equal(split.training, platform.held_out.training):
            return
        prepared = replace(self.prepared, platform=replace(platform, split=split))
        settings, computed, ensemble = self.parts.settings, self.parts.scorers, self.parts.ensemble
        parts = PlatformParts(prepared, self.encoders, settings, self.seed, computed, ensemble)
        chosen = {part for candidate in self.stacks.chosen.values() for part in candidate.parts}
        again = {name: make(parts) for name, make in part_makers(self._sets, settings).items() if name in chosen}
        there = {name: trained for name, trained in again.items() if trained is not None}
        self.stacks = with_trained(self.stacks, self.trained, there)
        self.parts, self._again = parts.and_of(self.parts), there

    @property
    def served(self) -> dict[str, Trained]:
        """The parts as they are served: those that were trained again in the place of what they were weighed by."""
        return {**self.trained, **self._again}

    def complete_baskets(self, counted: Counted | None = None) -> None:
        """A stack for baskets that are to be completed, of what the verdict serves, where enough of them tell.

        Args:
            counted: what ``stack`` has counted; None: all is counted anew.
        """
        if not enough_baskets(self.prepared.platform):
            return
        ensemble, _ = self.stacks.ensemble.used(self.stacks.chosen[self.verdict.served].by_gap)
        columns = {column.name for scorer in ensemble.raw.scorers for column in scorer.columns}
        parts = {name: part for name, part in self.trained.items() if part.columns & columns}
        scorers = {**self.scorers, **completing_table(self.components.scorers)}
        stacks = fit_stacks(
            self.prepared,
            parts,
            {LOCAL: [tuple(parts)]},
            seed=self.seed,
            scorers=scorers,
            settings=self.components.ensemble,
            question=completions,
            counted=counted,
        )
        self.basket_stacks = with_trained(
            stacks, parts, {name: self._again[name] for name in parts if name in self._again}
        )

    @property
    def steps(self) -> dict[str, Callable[[], None]]:
        """What fits it, in this order, by what each step does."""
        return {"training parts": self.train, "weighing scorers": self.stack}

    @property
    def steps_with_baskets(self) -> dict[str, Callable[[], None]]:
        """The same, and then what completes baskets; both count together."""
        counted = self._counted if enough_baskets(self.prepared.platform) else None
        return {
            "training parts": self.train,
            "weighing scorers": partial(self.stack, counted),
            "completing baskets": partial(self.complete_baskets, counted),
        }

    def release(self) -> None:
        """Let go of the stacks and of all that was counted for them; the verdict stays."""
        _ = self.verdict
        del self.stacks
        self.basket_stacks = None
        self._counted.clear()

    @property
    def is_judged(self) -> bool:
        """Whether there is a choice for the gate to make."""
        return LOCAL in self._sets and any(method in self._sets for method in competing())

    @cached_property
    def verdict(self) -> GateVerdict:
        """What is served; by model-selection users alone."""
        options = {
            method: candidates for method, candidates in self.stacks.options.items() if method not in self.absent
        }
        rng = rng_for(self.seed, self.prepared.name, "gate")
        settings, choice = self.components.gate, self.components.ensemble.candidates
        verdict = decide(options, self.stacks.whole_list_by_name(), rng, self._transferability(), settings, choice)
        return replace(verdict, reason=NO_ENCODER) if self.encoders.none_came else verdict

    def _transferability(self) -> dict[str, TransferabilityScore | None]:
        """Of the encoder behind each method that competes; each encoder is measured once."""
        behind = {method: self.encoders.of(METHODS[method].origin) for method in competing() if method in self._sets}
        distinct = {id(received): received for received in behind.values()}
        measured = {key: self._related(received) for key, received in distinct.items()}
        return {method: measured[id(received)] for method, received in behind.items()}

    def _related(self, received: ReceivedEncoder | None) -> TransferabilityScore | None:
        if received is None or not received.released:
            return None
        rng = rng_for(self.seed, self.prepared.name, "relatedness")  # the score's word when its draws were chosen
        unseen = received.unseen(self.prepared.platform)
        settings = self.components.transferability
        return transferability_score(self.prepared, received.encoder, received.released, unseen, rng, settings)
