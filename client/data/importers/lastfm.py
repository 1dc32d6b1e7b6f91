"""HetRec 2011 Last.fm 2k: artists.dat and user_artists.dat, tab-separated with a header.

Source: Cantador, Brusilovsky and Kuflik, HetRec, RecSys 2011; https://grouplens.org/datasets/hetrec-2011/
"""

import polars as pl

from client.data.importers.imported import ImportedPlatform, in_one_table, positions, without_repeats
from client.data.importers.source import Source
from client.data.importers.text_blocks import TSV, read_text_table
from client.data.importers.text_table import TextTable


def import_lastfm(source: Source) -> ImportedPlatform:
    """One event per listener and artist, its rating the number of plays; an artist's text is the name.

    The source has no time: the timestamp is the position in the file, which means nothing (use order=none).
    """
    artists = [read_text_table(file, TSV) for file in source.each("artists.dat")]
    plays = [read_text_table(file, TSV) for file in source.each("user_artists.dat")]
    events, repeats = without_repeats(in_one_table([_plays(table) for table in plays]))
    unread = [note for table in artists for note in table.unread_note("id", "name", "url", "pictureURL")]
    unread += [note for table in plays for note in table.unread_note("userID", "artistID", "weight")]
    return ImportedPlatform(
        items=pl.concat(map(_artists, artists)).unique("item_id", keep="first", maintain_order=True),
        events=events.select("user_id", "item_id", positions().alias("timestamp"), "rating"),
        notes=("no time was read: timestamps are positions in the file (use order=none)", *repeats, *unread),
    )


def _artists(table: TextTable) -> pl.DataFrame:
    ids, names = table.whole_ids("id"), table.texts("name")
    table.refuse_repeats(ids, "id")
    return pl.DataFrame({"item_id": ids, "text": names, "title": names})


def _plays(table: TextTable) -> pl.DataFrame:
    columns = {"user_id": table.whole_ids("userID"), "item_id": table.whole_ids("artistID")}
    return pl.DataFrame({**columns, "rating": table.ratings("weight")})
