"""Tables whose log says which of their files count: files of rows that were removed lie beside those that are left."""

from collections.abc import Sequence
from pathlib import Path

from shared.errors import DataError


def refuse_logged_tables(paths: Sequence[Path]) -> None:
    """Refuse what would be read with rows that are no longer of the table.

    Args:
        paths: files and folders of a source.

    Raises:
        DataError: if one is the log of a Delta or an Iceberg table; it names the table's folder.
    """
    for path in paths:
        kind = _kind(path)
        if kind is not None:
            raise DataError(
                f"{path.parent}: expected a folder of files that all count, found {kind} table, whose log says which "
                "do (write the table as plain Parquet first, and import that)"
            )


def _kind(path: Path) -> str | None:
    """What has a log at this path; None for any other path."""
    if path.name == "_delta_log":
        return "a Delta"
    return "an Iceberg" if path.name == "metadata" and any(path.glob("*.metadata.json")) else None
