"""The click head: σ(MLP[z, u_t ∘ e_i, context]), a platform's own estimate that a shown item is clicked.

z are the calibrated log-likelihood ratios of the platform's scorers, u_t ∘ e_i the elementwise product of an encoder's
history and item vectors, context the lengths of history and impression. Columns stand in twice, as they are and less
their mean over the impression: which of the shown items is better is told by the second. A linear path lies beside the
MLP.

c candidates, F inputs, H hidden units.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from client.clicks.click_inputs import ClickInputs
from client.store.head_store import StoredRecord
from shared.errors import ConfigError, HeadStoreError

IMPRESSIONS_AT_ONCE = 512
_PARAMETERS = ("direct", "bias", "enter", "enter_bias", "leave")
_ARRAYS = ("mean", "scale", *_PARAMETERS)
_STILL = 1e-4
"""Deviation up to which an input does not vary."""


@dataclass(frozen=True, kw_only=True)
class ClickHeadConfig:
    """What a click head looks at, and how wide it is; raises ConfigError where a value makes no sense."""

    columns: tuple[str, ...]
    """Columns of the ensemble and of the counts."""
    encoders: tuple[str, ...] = ()
    """Encoders whose u_t ∘ e_i it sees."""
    hidden: int = 32
    """H; 0 leaves the linear path alone: a logistic regression."""

    def __post_init__(self) -> None:
        if not self.columns and not self.encoders:
            raise ConfigError("a click head must look at something; got no column and no encoder")
        if self.hidden < 0:
            raise ConfigError(f"the hidden units of a click head must be 0 or more; got {self.hidden}")


@dataclass(frozen=True, eq=False, kw_only=True)
class ClickHead:
    """A click head's numbers; raises HeadStoreError where they do not fit together."""

    config: ClickHeadConfig
    mean: torch.Tensor
    """[F] taken off every input"""
    scale: torch.Tensor
    """[F] what it is divided by then"""
    direct: torch.Tensor
    """[F]"""
    bias: torch.Tensor
    """[1]"""
    enter: torch.Tensor
    """[F, H]"""
    enter_bias: torch.Tensor
    """[H]"""
    leave: torch.Tensor
    """[H]"""
    temperature: float = 1.0
    """what a logit is divided by, so that probabilities are true"""

    def __post_init__(self) -> None:
        width, hidden = len(self.mean), self.config.hidden
        expected: dict[str, tuple[int, ...]] = dict.fromkeys(("mean", "scale", "direct"), (width,))
        expected |= {"bias": (1,), "enter": (width, hidden), "enter_bias": (hidden,), "leave": (hidden,)}
        for name, shape in expected.items():
            value = getattr(self, name)
            if tuple(value.shape) != shape or not bool(value.isfinite().all()):
                raise HeadStoreError(
                    f"a click head's {name} must be finite, of shape {shape}; got {tuple(value.shape)}"
                )
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise HeadStoreError(f"a click head's temperature must be above 0; got {self.temperature}")

    @classmethod
    def initial(
        cls, config: ClickHeadConfig, inputs: ClickInputs, impressions: NDArray[np.int64], generator: torch.Generator
    ) -> "ClickHead":
        """A head that gives every candidate the click rate of these impressions; its inputs are scaled on them.

        Args:
            config: what the head looks at, and how wide it is.
            inputs: what is known of candidates.
            impressions: rows of the impressions.
            generator: draws the hidden layer.

        Returns:
            The head before training.

        Raises:
            HeadStoreError: if an input is not finite.
        """
        mean, scale = _mean_and_scale(config, inputs, impressions)
        rate = torch.tensor(inputs.clicked(impressions).mean(), dtype=torch.float32).clamp(1e-4, 1 - 1e-4)
        width = len(mean)
        return cls(
            config=config,
            mean=mean,
            scale=scale,
            direct=torch.zeros(width),
            bias=torch.logit(rate)[None],
            enter=torch.empty(width, config.hidden).normal_(0, width**-0.5, generator=generator),
            enter_bias=torch.zeros(config.hidden),
            leave=torch.zeros(config.hidden),
        )

    def parameters(self) -> list[torch.Tensor]:
        """What is trained."""
        return [getattr(self, name) for name in _PARAMETERS]

    def with_parameters(self, values: list[torch.Tensor]) -> "ClickHead":
        """The same head with other numbers in the place of ``parameters``."""
        direct, bias, enter, enter_bias, leave = values
        return replace(self, direct=direct, bias=bias, enter=enter, enter_bias=enter_bias, leave=leave)

    def logit(self, values: torch.Tensor) -> torch.Tensor:
        """[c, F] inputs as ``assembled`` gives them -> [c], the temperature left aside."""
        return logit((values - self.mean) / self.scale, self.parameters())

    @torch.no_grad()
    def logits(self, inputs: ClickInputs, impressions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Logits of all candidates of some impressions, the temperature left aside.

        Args:
            inputs: what is known of candidates.
            impressions: rows of the impressions.

        Returns:
            [c], impression after impression.
        """
        parts = [self.logit(values) for values in _blocks(self.config, inputs, impressions)]
        return np.asarray(torch.cat(parts).double().numpy())

    def probabilities(self, inputs: ClickInputs, impressions: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability that each candidate of some impressions is clicked.

        Args:
            inputs: what is known of candidates.
            impressions: rows of the impressions.

        Returns:
            [c], impression after impression.
        """
        return np.asarray(1 / (1 + np.exp(-self.logits(inputs, impressions) / self.temperature)))

    def to_stored(self) -> StoredRecord:
        """As a record of the head store."""
        arrays = {name: getattr(self, name).detach().numpy() for name in _ARRAYS}
        return StoredRecord(arrays=arrays, facts={"config": asdict(self.config), "temperature": self.temperature})

    @classmethod
    def from_stored(cls, stored: StoredRecord) -> "ClickHead":
        """The inverse of ``to_stored``; raises HeadStoreError for a record of another kind."""
        try:
            facts = dict(stored.facts["config"])
            names = {name: tuple(map(str, facts[name])) for name in ("columns", "encoders")}
            config = ClickHeadConfig(**names, hidden=int(facts["hidden"]))
            arrays = {name: torch.from_numpy(stored.arrays[name].astype(np.float32)) for name in _ARRAYS}
            return cls(config=config, **arrays, temperature=float(stored.facts["temperature"]))
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise HeadStoreError(f"the record is no click head: {error}") from error


def logit(scaled: torch.Tensor, parameters: list[torch.Tensor]) -> torch.Tensor:
    """Logits by given numbers.

    Args:
        scaled: [c, F] scaled inputs.
        parameters: in the order of ``ClickHead.parameters``.

    Returns:
        [c].
    """
    direct, bias, enter, enter_bias, leave = parameters
    hidden = functional.gelu(scaled @ enter + enter_bias)
    return scaled @ direct + hidden @ leave + bias


def assembled(config: ClickHeadConfig, inputs: ClickInputs, impressions: NDArray[np.int64]) -> torch.Tensor:
    """What a head of this config sees of the candidates of some impressions.

    Args:
        config: columns and encoders.
        inputs: what is known of candidates.
        impressions: rows of the impressions.

    Returns:
        [c, F]: the columns, how far each is from its mean over the impression, and u_t ∘ e_i of each encoder.
    """
    rows, owners = inputs.candidates(impressions)
    places = {name: place for place, name in enumerate(inputs.names)}
    columns = torch.tensor([places[name] for name in config.columns], dtype=torch.int64)
    values = inputs.values[rows][:, columns]
    sums = torch.zeros(len(impressions), values.shape[1]).index_add_(0, owners, values)
    means = sums / torch.bincount(owners, minlength=len(impressions))[:, None]
    states = [inputs.encoders[name] for name in config.encoders]
    whose, items = torch.from_numpy(impressions)[owners], inputs.items[rows]
    products = [state.histories[whose] * state.items[items] for state in states]
    return torch.cat([values, values - means[owners], *products], dim=1)


def _blocks(config: ClickHeadConfig, inputs: ClickInputs, impressions: NDArray[np.int64]) -> Iterator[torch.Tensor]:
    for start in range(0, len(impressions), IMPRESSIONS_AT_ONCE):
        yield assembled(config, inputs, impressions[start : start + IMPRESSIONS_AT_ONCE])


def _mean_and_scale(
    config: ClickHeadConfig, inputs: ClickInputs, impressions: NDArray[np.int64]
) -> tuple[torch.Tensor, torch.Tensor]:
    """[F] each; an input that does not vary is left at its scale."""
    blocks = (values.double() for values in _blocks(config, inputs, impressions))
    sums = torch.stack([torch.stack([values.sum(0), values.square().sum(0)]) for values in blocks]).sum(0)
    mean, square = sums / len(inputs.candidates(impressions)[0])
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    return mean.float(), torch.where(deviation > _STILL, deviation, 1.0).float()
