"""Tables under names of their own, imported through a column map, for tests."""

from functools import partial
from pathlib import Path

from client.data.contract import PlatformFolder
from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap
from client.data.importers.table import import_platform
from client.data.source import read_folder


def imported(source: Path, out: Path, settings: CsvMap) -> PlatformFolder:
    """The folder that comes of it."""
    import_platform(partial(import_csv, settings=settings), (source,), out)
    return read_folder(out)
