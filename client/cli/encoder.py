"""``graft-client encoder show``: what an encoder's file says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.system.answer import AsJson, tell_json

if TYPE_CHECKING:
    from shared.encoder.encoder import Encoder
    from shared.encoder.file import EncoderCard

_NOT_SAID = "not said"


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The encoder file.")],
    as_json: AsJson = False,
) -> None:
    """Check an encoder file in full and print its card: who made it, when, on how much, and under which promise.

    What stands there was written by whoever made the file. Counts are rounded to a power of two.
    """
    from shared.encoder.file import load_encoder

    facts = card_facts(*load_encoder(file))
    if as_json:
        tell_json({"file": str(file), **facts})
        return
    typer.echo(f"{file}:")
    for name, value in facts.items():
        typer.echo(f"  {name.replace('_', ' ')}: {_words(value)}")


def card_facts(encoder: "Encoder", card: "EncoderCard") -> dict[str, Any]:
    """The card as JSON; None stands for what the file does not say."""
    space = encoder.spec.feature_space
    facts = {
        **{name: value or None for name, value in vars(card.provenance()).items()},
        "rounds": card.rounds,
        "counts": card.counts or None,
        "feature_space": {"name": space.name, **dict(space.parameters), "dim": space.dim},
        "preset": encoder.spec.preset,
        "parameters": int(encoder.flat.size),
    }
    return {**facts, "privacy": card.privacy or "none"}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if value is None:
        return _NOT_SAID
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
