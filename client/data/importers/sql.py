"""A database as a platform folder: what its two queries give now."""

import polars as pl

from client.data.importers.imported import ImportedPlatform
from client.data.importers.source import Source
from client.data.source import is_database
from client.data.sql.tables import read_database
from shared.errors import DataError


def import_sql(source: Source) -> ImportedPlatform:
    """All items and events, with the items' vectors where the query gives them.

    Raises InputError where the file is no SQL source, the database does not answer, or a row breaks the data contract.
    """
    (path,) = source.paths
    if not is_database(path):
        raise DataError(f"{path}: expected the file of an SQL source, NAME.toml, found something else")
    folder = read_database(path, source.said)
    items = folder.items
    if folder.vectors is not None:
        items = items.with_columns(vector=pl.Series(folder.vectors.tolist(), dtype=pl.List(pl.Float32)))
    return ImportedPlatform(items=items, events=folder.events, notes=folder.notes)
