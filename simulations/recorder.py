"""The recorder that a run reports to: it keeps what is ready, so that a stopped run can still be written."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simulations.outcomes import EncoderSummary, GateOutcome, MethodOutcome, PlatformSummary, RoundOutcome, RunResult
from simulations.run_config import RunConfig


def _say_nothing(_line: str) -> None:
    return


class RunRecorder:
    """Collects a run's outcomes and the time of its steps, and says each step as it begins."""

    def __init__(
        self,
        config: RunConfig,
        *,
        say: Callable[[str], None] = _say_nothing,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._config = config
        self._say = say
        self._clock = clock
        self._encoder: EncoderSummary | None = None
        self._platforms: dict[str, PlatformSummary] = {}
        self._outcomes: list[MethodOutcome] = []
        self._rounds: list[RoundOutcome] = []
        self._gates: list[GateOutcome] = []
        self._seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; a step that comes again, for another seed or platform, is added up. Steps do not nest."""
        self._say(name)
        self._seconds.setdefault(name, 0.0)
        began = self._clock()
        try:
            yield
        finally:
            self._seconds[name] += self._clock() - began

    def add_platform(self, summary: PlatformSummary) -> None:
        """A prepared platform; the first of a name counts, later seeds change nothing."""
        self._platforms.setdefault(summary.name, summary)

    def set_encoder(self, summary: EncoderSummary) -> None:
        """The shared encoder."""
        self._encoder = summary

    def add_outcome(self, outcome: MethodOutcome) -> None:
        """One method on one platform under one seed."""
        self._outcomes.append(outcome)

    def add_round(self, outcome: RoundOutcome) -> None:
        """One federated round."""
        self._rounds.append(outcome)

    def add_gate(self, outcome: GateOutcome) -> None:
        """One platform's verdict under one seed."""
        self._gates.append(outcome)

    def result(self, *, complete: bool) -> RunResult:
        """What is ready by now."""
        return RunResult(
            config=self._config.to_dict(),
            synthetic=self._config.synthetic,
            source=",".join(self._config.sources) or None,
            encoder=self._encoder,
            platforms=tuple(self._platforms.values()),
            outcomes=tuple(self._outcomes),
            rounds=tuple(self._rounds),
            gates=tuple(self._gates),
            seconds=dict(self._seconds),
            complete=complete,
        )
