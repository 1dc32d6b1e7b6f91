"""What work reports to, in whatever process it is done."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typing_extensions import override

from simulations.results.outcomes import ClickOutcome, ContributionOutcome, GateOutcome, MethodOutcome, PlatformSummary


class Recorder(ABC):
    """What the work on one platform reports to, in whatever process it is done."""

    @contextmanager
    def step(self, name: str, *, platform: str = "") -> Iterator[None]:
        """Say a step as it begins, and time it. Steps do not nest.

        Args:
            name: of the step.
            platform: on which it is done; empty where it is of none.

        Yields:
            Nothing; the step ends with the block.
        """
        self.say(f"{platform}: {name}" if platform else name)
        self.add_seconds(name, 0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add_seconds(name, time.perf_counter() - began)

    @abstractmethod
    def say(self, line: str) -> None:
        """One line for whoever watches."""

    @abstractmethod
    def add_seconds(self, step: str, seconds: float) -> None:
        """Time of a step; one that comes again, for another seed or platform, is added up.

        Args:
            step: its name.
            seconds: that it took.
        """

    @abstractmethod
    def add_platform(self, summary: PlatformSummary, seed: int) -> None:
        """A prepared platform; the first seed's counts, and again once its scorers have been judged.

        Args:
            summary: of the platform.
            seed: under which it was prepared.
        """

    @abstractmethod
    def add_outcome(self, outcome: MethodOutcome) -> None:
        """One method on one platform under one seed."""

    @abstractmethod
    def add_gate(self, outcome: GateOutcome) -> None:
        """One platform's verdict under one seed."""

    @abstractmethod
    def add_clicks(self, outcome: ClickOutcome) -> None:
        """One method's click prediction on one platform under one seed."""

    @abstractmethod
    def add_contribution(self, outcome: ContributionOutcome) -> None:
        """What each platform contributes to one platform under one seed."""


class ForwardingRecorder(Recorder):
    """Hands on everything that is reported, as a method's name and what it is called with."""

    @abstractmethod
    def forward(self, name: str, *arguments: Any) -> None:
        """Take one report.

        Args:
            name: of the recorder's method.
            *arguments: what it is called with.
        """

    @override
    def say(self, line: str) -> None:
        self.forward("say", line)

    @override
    def add_seconds(self, step: str, seconds: float) -> None:
        self.forward("add_seconds", step, seconds)

    @override
    def add_platform(self, summary: PlatformSummary, seed: int) -> None:
        self.forward("add_platform", summary, seed)

    @override
    def add_outcome(self, outcome: MethodOutcome) -> None:
        self.forward("add_outcome", outcome)

    @override
    def add_gate(self, outcome: GateOutcome) -> None:
        self.forward("add_gate", outcome)

    @override
    def add_clicks(self, outcome: ClickOutcome) -> None:
        self.forward("add_clicks", outcome)

    @override
    def add_contribution(self, outcome: ContributionOutcome) -> None:
        self.forward("add_contribution", outcome)
