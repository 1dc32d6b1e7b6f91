"""The recorder of a whole run: it keeps what is ready, so that a stopped run can still be written."""

import threading
import time
from collections.abc import Callable

from typing_extensions import override

from simulations.config.run_config import RunConfig
from simulations.results.outcomes import (
    ClickOutcome,
    ContributionOutcome,
    EncoderSummary,
    GateOutcome,
    HelpOutcome,
    MethodOutcome,
    PlatformSummary,
    RoundOutcome,
    RunResult,
    shown,
)
from simulations.results.recorder import Recorder


class RunRecorder(Recorder):
    """Keeps everything of a run. Platforms may report at the same time; what comes out has one order all the same."""

    def __init__(self, config: RunConfig, *, say: Callable[[str], None] = lambda _line: None) -> None:
        self._config = config
        self._say = say
        self._began = time.perf_counter()
        self._lock = threading.Lock()
        self._encoder: EncoderSummary | None = None
        self._platforms: dict[str, tuple[int, PlatformSummary]] = {}
        self._outcomes: list[MethodOutcome] = []
        self._rounds: list[RoundOutcome] = []
        self._gates: list[GateOutcome] = []
        self._helps: list[HelpOutcome] = []
        self._clicks: list[ClickOutcome] = []
        self._contributions: list[ContributionOutcome] = []
        self._seconds: dict[str, float] = {}

    @override
    def say(self, line: str) -> None:
        self._say(line)

    @override
    def add_seconds(self, step: str, seconds: float) -> None:
        with self._lock:
            self._seconds[step] = self._seconds.get(step, 0.0) + seconds

    @override
    def add_platform(self, summary: PlatformSummary, seed: int) -> None:
        first, known = self._platforms.get(summary.name, (seed, summary))
        if seed < first or (seed == first and not known.scorer_values):
            first, known = seed, summary
        self._platforms[summary.name] = first, known

    @override
    def add_outcome(self, outcome: MethodOutcome) -> None:
        self._outcomes.append(outcome)

    @override
    def add_gate(self, outcome: GateOutcome) -> None:
        self._gates.append(outcome)

    @override
    def add_clicks(self, outcome: ClickOutcome) -> None:
        self._clicks.append(outcome)

    @override
    def add_contribution(self, outcome: ContributionOutcome) -> None:
        self._contributions.append(outcome)

    def set_encoder(self, summary: EncoderSummary) -> None:
        """The shared encoder."""
        self._encoder = summary

    def add_round(self, outcome: RoundOutcome) -> None:
        """One federated round."""
        self._rounds.append(outcome)

    def add_help(self, outcome: HelpOutcome) -> None:
        """Who helps whom under one seed."""
        self._helps.append(outcome)

    def result(self, *, complete: bool) -> RunResult:
        """What is ready by now: by seed, then platforms and methods in their order.

        Args:
            complete: whether the run has come to its end.

        Returns:
            The result, from which the files are written.
        """
        platforms = list(dict.fromkeys((*self._config.names, *sorted(self._platforms))))
        places = {name: place for place, name in enumerate(platforms)}
        methods = {name: place for place, name in enumerate(shown())}
        return RunResult(
            config=self._config.to_dict(),
            synthetic=self._config.synthetic,
            source=",".join(self._config.sources) or None,
            encoder=self._encoder,
            platforms=tuple(
                summary
                for _seed, summary in sorted(
                    self._platforms.values(), key=lambda seed_and_summary: places[seed_and_summary[1].name]
                )
            ),
            outcomes=tuple(
                sorted(
                    self._outcomes,
                    key=lambda outcome: (outcome.seed, places[outcome.platform], methods[outcome.method]),
                )
            ),
            rounds=tuple(self._rounds),
            gates=tuple(sorted(self._gates, key=lambda gate: (gate.seed, places[gate.platform]))),
            helps=tuple(self._helps),
            contributions=tuple(
                sorted(self._contributions, key=lambda outcome: (outcome.seed, places[outcome.platform]))
            ),
            clicks=tuple(
                sorted(
                    self._clicks, key=lambda outcome: (outcome.seed, places[outcome.platform], methods[outcome.method])
                )
            ),
            seconds=dict(sorted(self._seconds.items())),
            wall_seconds=time.perf_counter() - self._began,
            complete=complete,
        )
