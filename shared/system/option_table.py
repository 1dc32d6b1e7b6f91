"""A table of options in Markdown, for the docs."""

from typing import Any

from shared.system.options import Entry, entries, old_names


def option_table(kind: type[Any], *, deep: bool = True) -> str:
    """A row for each option: key, default, bounds, help; without ``deep`` those alone that the dataclass itself has."""
    rows = [_row(one) for one in entries(kind) if deep or len(one.path) == 1]
    return "\n".join(["| key | default | bounds | what it is |", "|---|---|---|---|", *rows])


def former_names_table(kind: type[Any]) -> str:
    """A row for each former name of an option."""
    return "\n".join(["| before | now |", "|---|---|", *(f"| `{a}` | `{b}` |" for a, b in old_names(kind).items())])


def _row(one: Entry) -> str:
    said = one.option
    see = f" ([why]({said.see}))" if said.see else ""
    cells = (f"`{one.key}`", one.shown, said.bounds or said.metavar or "", said.help + see)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
