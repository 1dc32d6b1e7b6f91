"""How ``fit`` and ``evaluate`` may use a received encoder, as options."""

from typing import Annotated

import click
import typer

from shared.errors import ConfigError

TookPart = Annotated[
    bool,
    typer.Option(
        "--took-part",
        help="This platform helped to train the encoder, under the same seed and preparation: only the users who "
        "stayed out of that judge it.",
    ),
]
OwnEncoder = Annotated[
    bool, typer.Option(help="The platform also trains an encoder alone, for the recommender it must beat.")
]
_USE = "How the received encoder may be used"
Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        help="With commas: feature (as it came), model (tuned here), knowledge (it teaches a smaller one). The last "
        "two are trained here, which takes as long again.",
        rich_help_panel=_USE,
    ),
]
TeacherOf = Annotated[
    str,
    typer.Option("--teacher", help="Under knowledge: encoder (the tuned one) or stack.", rich_help_panel=_USE),
]
Aligned = Annotated[
    str,
    typer.Option(
        "--alignment",
        help="While tuning: off, probe:WEIGHT, coral:WEIGHT or gate, all three compete.",
        rich_help_panel=_USE,
    ),
]
Adapters = Annotated[
    str,
    typer.Option("--adapters", help="none, or lora:RANK: model trains low-rank adapters alone.", rich_help_panel=_USE),
]
MomentsWeight = Annotated[
    float,
    typer.Option(
        help="How often an own pair counts when model moves the encoder's linear part; 0: it stays.",
        rich_help_panel=_USE,
    ),
]


def refuse_what_the_agent_says() -> None:
    """Raises ConfigError for an option that an agent's settings answer already."""
    context = click.get_current_context()
    for name in ("heads", "features", "seed", "min_user_events", "min_item_events", "took_part"):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} is not for an agent's folder: its settings, vault and ledger say that")
