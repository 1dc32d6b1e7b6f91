"""What a command answers: text for people, or with ``--json`` one document."""

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def tell(document: Any, text: str, *, as_json: bool) -> None:
    """Print a command's answer on stdout.

    Args:
        document: the answer as JSON takes it.
        text: the same in words.
        as_json: whether the document is wanted, else the text.
    """
    if as_json:
        tell_json(document)
    else:
        typer.echo(text)


def tell_json(document: Any) -> None:
    """Print a document on stdout."""
    typer.echo(json.dumps(document, indent=2))


def printable(text: str) -> str:
    """A text as a terminal may show it: what would steer the terminal stands as a replacement mark."""
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
