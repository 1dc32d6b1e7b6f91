"""``graft-device recommend``: the user's list, made on the device."""

from typing import Annotated

import typer

from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, printable, tell

_REASONS = 3
"""scorers that are named"""


def recommend(
    folder: DeviceFolder,
    k: Annotated[int, typer.Option(min=1, max=1000, help="How many items.")] = 10,
    reasons: Annotated[bool, typer.Option("--reasons", help="Say of each item which scorers weighed most.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recommend from what the device holds alone: a line for each item with its rank, id, title and score."""
    from client.device.opened_device import open_device
    from client.ensemble.scorer_names import readable

    device = open_device(folder)
    rows = []
    for rank, listed in enumerate(device.recommend(k, reasons=reasons), 1):
        row = {"rank": rank, "item": listed.item, "title": listed.title, "score": listed.score}
        if reasons:
            named = [{"name": name, "words": readable(name), "adds": adds} for name, adds in listed.scorers[:_REASONS]]
            row["scorers"] = named
        rows.append(row)
    tell(rows, _text(rows, device.basis), as_json=as_json)


def _text(rows: list[dict[str, object]], basis: str) -> str:
    lines = []
    for row in rows:
        lines.append(
            f"{row['rank']:>4}  {printable(str(row['item']))}  {printable(str(row['title']))}  {row['score']:.2f}"
        )
        scorers = row.get("scorers")
        if isinstance(scorers, list):
            lines.append("      " + "; ".join(f"{part['words']} {part['adds']:+.2f}" for part in scorers))
    return "\n".join([*lines, f"rests on: {basis}"])
