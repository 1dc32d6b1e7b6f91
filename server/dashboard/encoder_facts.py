"""What an encoder's file says of itself, as rows for people: whatever its metadata holds, numbers left out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from server.coordinator.moments_shown import moment_words
from shared.encoder.provenance import Provenance
from shared.system.array_file import NotAnArrayFile, read_header

_CARD, _SPACE, _LAYOUT = "card", "feature_space", "layout"
_NOT_SAID = {
    **{item.name.replace("_", " "): "not said" for item in fields(Provenance)},
    "rounds": "none",
    "privacy": "none",
}
"""what it means that a card has no such key"""
_NAMES = {
    "pretrained": "pretrained on the day (UTC)",
    "rounds": "training rounds since",
    "validation": "validation (NDCG@10)",
    "counts": "pretrained on about",
    "privacy": "promise to each user",
}
"""of rows that people would not understand by the card's own name"""
_TECHNICAL = {
    "format",
    "layout hash",
    "layout_hash",
    "feature space dim",
    "feature space fingerprint",
    "feature space parameters",
    "calibration",
    "item moments",
}
"""rows, by the file's own names, that are folded"""
_LONGEST = 200
"""characters of a value that are shown"""
_CATALOGUE = "catalogue."
"""begins the names of arrays that are no parameters"""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One row."""

    name: str
    value: str
    technical: bool = False
    """whether it tells nothing to who does not read the file themselves"""


def encoder_facts(path: Path) -> tuple[Fact, ...]:
    """What the file says of itself; one row that says why where it cannot be read."""
    try:
        file_status = path.stat()
        return _facts(path, file_status.st_mtime_ns, file_status.st_size)
    except (OSError, NotAnArrayFile) as error:
        reason = str(error) if isinstance(error, NotAnArrayFile) else "it cannot be read"
        return (Fact(name="file", value=f"{path}: {reason}"),)


@lru_cache(maxsize=4)
def _facts(path: Path, written: int, size: int) -> tuple[Fact, ...]:
    shapes, texts = read_header(path)
    parameters = sum(prod(shape) for name, shape in shapes.items() if not name.startswith(_CATALOGUE))
    rows = {
        "file": str(path),
        "written": moment_words(datetime.fromtimestamp(written / 1e9, UTC)),
        "size": f"{size:,} bytes, {parameters:,} parameters",
        **{name: value for name, value in texts.items() if name not in {_CARD, _SPACE, _LAYOUT}},
        **dict(_nested("feature space", texts.get(_SPACE, ""))),
        **_NOT_SAID,
        **dict(_nested("", texts.get(_CARD, ""))),
    }
    return tuple(
        Fact(name=_named(name), value=value[:_LONGEST], technical=name in _TECHNICAL) for name, value in rows.items()
    )


def _named(key: str) -> str:
    words = key.replace("_", " ")
    return _NAMES.get(words, words)


def _nested(prefix: str, text: str) -> Iterator[tuple[str, str]]:
    """Each key of a JSON object; the text itself where it is none, nothing where it is empty."""
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError):
        values = {"": text}
    for key, value in (values if isinstance(values, Mapping) else {"": values}).items():
        yield f"{prefix} {key}".strip().replace("_", " "), _words(value)


def _words(value: Any) -> str:
    """A value in one line; of deep ones how many there are."""
    if isinstance(value, Mapping):
        flat = all(not isinstance(item, Mapping | list) for item in value.values())
        entries = ", ".join(f"{key} {_words(item)}" for key, item in value.items())
        return (entries if flat else ", ".join(map(str, value))) or "none"
    if isinstance(value, list):
        flat = all(not isinstance(item, Mapping | list) for item in value)
        return ", ".join(map(_words, value)) or "none" if flat else f"{len(value)} entries"
    if value is None or isinstance(value, bool):
        return "none" if value is None else "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
