"""Every format that can be imported, and running one importer from its source to a platform folder."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from client.data.contract import require_free, write_folder
from client.data.folder_options import Said
from client.data.importers.amazon_reviews import import_amazon_reviews
from client.data.importers.csv_map import import_csv
from client.data.importers.imported import ImportedPlatform, finished, only_used_items
from client.data.importers.imported_times import unmistakable
from client.data.importers.lastfm import import_lastfm
from client.data.importers.mind import import_mind
from client.data.importers.movielens import import_movielens
from client.data.importers.recbole import import_recbole
from client.data.importers.source import Source
from client.data.importers.uci_retail import import_uci_retail

Read = Callable[[Source], ImportedPlatform]


@dataclass(frozen=True, kw_only=True)
class Importer:
    """One format."""

    read: Read
    summary: str
    """What the format is and which files it needs, for the help."""
    counts_time: bool = True
    """Whether its timestamps are numbers, of which the user can say what they mean."""


IMPORTERS = {
    "movielens": Importer(
        read=import_movielens,
        summary="MovieLens as CSV (latest-small, 20M, 25M, 32M): movies.csv, ratings.csv, optional tags.csv.",
    ),
    "mind": Importer(
        read=import_mind,
        summary="Microsoft News (MIND): behaviors.tsv and news.tsv; impressions are kept.",
        counts_time=False,
    ),
    "amazon-reviews": Importer(
        read=import_amazon_reviews,
        summary="Amazon review data 2018: one NAME.json.gz of reviews and its meta_NAME.json.gz.",
    ),
    "uci-retail": Importer(
        read=import_uci_retail,
        summary="UCI Online Retail (I or II): one sheet of invoices saved as CSV.",
        counts_time=False,
    ),
    "lastfm": Importer(
        read=import_lastfm,
        summary="HetRec 2011 Last.fm 2k: artists.dat and user_artists.dat (no time).",
        counts_time=False,
    ),
    "recbole": Importer(
        read=import_recbole,
        summary="RecBole atomic files: NAME.item with NAME.inter or its train, valid and test parts.",
    ),
    "csv": Importer(
        read=import_csv,
        summary="Your own CSV, TSV or Parquet tables, through a map of column names.",
    ),
}


def import_platform(
    read: Read,
    paths: tuple[Path, ...],
    out: Path,
    *,
    said: Said | None = None,
    only_used: bool = False,
    keep_unknown: bool = False,
    force: bool = False,
) -> ImportedPlatform:
    """Read a source, check it against the data contract, and write it as a platform folder.

    ``said`` is what the user says of timestamps that are numbers. ``only_used`` leaves out items that nothing mentions;
    ``keep_unknown`` goes on where most are not described.

    Raises DataError with file and line where the source is wrong; then ``out`` is as it was before.
    """
    require_free(out, force=force)
    with tempfile.TemporaryDirectory(prefix="graft-import-") as scratch:
        imported = read(Source(paths=paths, scratch=Path(scratch), said=said))
    whole = finished(imported, keep_unknown=keep_unknown)
    whole = only_used_items(whole) if only_used else whole
    write_folder(out, items=whole.items, events=unmistakable(whole.events), impressions=whole.impressions, force=force)
    return whole
