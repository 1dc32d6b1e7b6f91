"""Every format that can be imported, and running one importer from its source to a platform folder."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from client.data.contract import require_free, write_folder
from client.data.folder_options import Said
from client.data.importers.amazon_reviews import import_amazon_reviews
from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import require_encoding
from client.data.importers.formats import FORMATS
from client.data.importers.goodreads import import_goodreads
from client.data.importers.imported import ImportedPlatform, finished, only_used_items
from client.data.importers.imported_times import unmistakable
from client.data.importers.instacart import import_instacart
from client.data.importers.lastfm import import_lastfm
from client.data.importers.mind import import_mind
from client.data.importers.movielens import import_movielens
from client.data.importers.otto import import_otto
from client.data.importers.recbole import import_recbole
from client.data.importers.refused_rows import BadRows, RefusedRows
from client.data.importers.source import Source
from client.data.importers.uci_retail import import_uci_retail
from shared.errors import DataError

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
        summary="MovieLens: 100K (u.data, u.item), 1M and 10M (ratings.dat, movies.dat), latest-small, 20M, 25M, 32M "
        "(ratings.csv, movies.csv); tags where there are any.",
    ),
    "mind": Importer(
        read=import_mind,
        summary="Microsoft News (MIND), train, dev and test: behaviors.tsv and news.tsv; impressions are kept.",
        counts_time=False,
    ),
    "amazon-reviews": Importer(
        read=import_amazon_reviews,
        summary="Amazon review data of 2014, 2018, 2023: reviews as JSON lines, or ratings alone as CSV; metadata.",
    ),
    "uci-retail": Importer(
        read=import_uci_retail,
        summary="UCI Online Retail (I or II): the workbook as it is distributed, or sheets of it saved as CSV.",
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
    "otto": Importer(
        read=import_otto,
        summary="OTTO (RecSys challenge on Kaggle): otto-recsys-train.jsonl; a session is a user.",
    ),
    "instacart": Importer(
        read=import_instacart,
        summary="Instacart 2017: orders.csv, order_products__prior.csv, order_products__train.csv, products.csv.",
        counts_time=False,
    ),
    "goodreads": Importer(
        read=import_goodreads,
        summary="Goodreads (UCSD Book Graph): goodreads_interactions*.json.gz or .csv, and goodreads_books*.json.gz.",
        counts_time=False,
    ),
    **{
        name: Importer(read=format_, summary=format_.summary, counts_time=format_.counts_time)
        for name, format_ in FORMATS.items()
    },
    "csv": Importer(
        read=import_csv,
        summary="Your own CSV, TSV, JSON lines or Parquet tables, through a map of column names.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class ImportChoices:
    """What a user says of any import."""

    said: Said | None = None
    """what timestamps mean that are numbers"""
    encoding: str | None = None
    """of text files; None: what the format says"""
    skip_bad: bool = False
    """leave out and list rows that are wrong"""
    only_used: bool = False
    """leave out items that nothing mentions"""
    keep_unknown: bool = False
    """go on where most items are not described"""
    force: bool = False
    """replace a platform folder"""

    def __post_init__(self) -> None:
        if self.encoding is not None:
            require_encoding(self.encoding)


def import_platform(
    read: Read,
    paths: tuple[Path, ...],
    out: Path,
    *,
    time_meaning: Said | None = None,
    only_used: bool = False,
    keep_unknown: bool = False,
    force: bool = False,
) -> ImportedPlatform:
    """Import a source, with its choices given one by one; see ``import_with``.

    Args:
        read: the importer of the source's format.
        paths: a file or folder, and further ones of the same data set.
        out: the platform folder to be written.
        time_meaning: what timestamps mean that are numbers; None where nobody says.
        only_used: whether items that nothing mentions are left out.
        keep_unknown: whether to go on where most items are not described.
        force: whether a platform folder that lies there is replaced.

    Returns:
        what was written.

    Raises:
        DataError: if the source is wrong, or ``out`` is taken.
    """
    choices = ImportChoices(said=time_meaning, only_used=only_used, keep_unknown=keep_unknown, force=force)
    return import_with(choices, read, paths, out)


def import_with(choices: ImportChoices, read: Read, paths: tuple[Path, ...], out: Path) -> ImportedPlatform:
    """Read a source, check it against the data contract, and write it as a platform folder.

    Rows that are left out stand in ``OUT.refused.csv`` beside the folder, each with its reason.

    Args:
        choices: what the user says of the import.
        read: the importer of the source's format.
        paths: a file or folder, and further ones of the same data set.
        out: the platform folder to be written; as it was before where an error is raised.

    Returns:
        what was written, with notes.

    Raises:
        DataError: if the source is wrong, with file and line; or if ``out`` or the list of refused rows is taken.
    """
    require_free(out, force=choices.force)
    refused = RefusedRows() if choices.skip_bad else None
    listed = out.with_name(f"{out.name}.refused.csv")
    if refused is not None and listed.exists() and not choices.force:
        raise DataError(f"{listed}: already exists (use --force to replace it)")
    with tempfile.TemporaryDirectory(prefix="graft-import-") as scratch:
        source = Source(
            paths=paths, scratch=Path(scratch), said=choices.said, encoding=choices.encoding, refused=refused
        )
        imported = _without_bad_rows(read, source)
    whole = finished(imported, keep_unknown=choices.keep_unknown)
    whole = only_used_items(whole) if choices.only_used else whole
    write_folder(
        out,
        items=whole.items,
        events=unmistakable(whole.events),
        impressions=whole.impressions,
        force=choices.force,
    )
    if refused is None or not refused.count:
        return whole
    refused.write(listed)
    return replace(whole, notes=(*whole.notes, f"{refused.count:,} rows refused: {listed} says why"))


def _without_bad_rows(read: Read, source: Source) -> ImportedPlatform:
    """What is read; where rows may be left out, once more without those that a table refused as a whole."""
    while True:
        try:
            return read(source)
        except BadRows as bad:
            before = 0 if source.refused is None else source.refused.count
            if source.refused is not None:
                source.refused.add(bad)
            if source.refused is None or source.refused.count == before:  # reading again would find them again
                raise
        except DataError as error:
            if source.refused is None or not source.refused.count:
                raise
            raise DataError(
                f"{error}; {source.refused.count:,} rows were refused before, the first: {source.refused.first}"
            ) from error
