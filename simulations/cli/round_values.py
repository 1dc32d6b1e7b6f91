"""The flag of commands that take any value of the rounds."""

from typing import Annotated

import typer

RoundValues = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any value of the rounds: docs/run-values.md; repeatable. Default: none."
    ),
]
