"""HetRec 2011 Last.fm 2k: artists.dat and user_artists.dat, tab-separated with a header.

Source: Cantador, Brusilovsky and Kuflik, HetRec, RecSys 2011; https://grouplens.org/datasets/hetrec-2011/
"""

import polars as pl

from client.data.importers.imported import ImportedPlatform, positions
from client.data.importers.source import Source
from client.data.importers.text_table import TSV, read_text_table


def import_lastfm(source: Source) -> ImportedPlatform:
    """One event per listener and artist, its rating the number of plays; an artist's text is the name.

    The source has no time: the timestamp is the position in the file, which means nothing (use order=none).
    """
    artists = read_text_table(source.one("artists.dat"), source.scratch, TSV)
    ids = artists.whole_ids("id")
    artists.refuse_repeats(ids, "id")
    names = artists.texts("name")
    plays = read_text_table(source.one("user_artists.dat"), source.scratch, TSV)
    events = pl.DataFrame(
        {
            "user_id": plays.whole_ids("userID"),
            "item_id": plays.whole_ids("artistID"),
            "rating": plays.ratings("weight"),
        }
    )
    return ImportedPlatform(
        items=pl.DataFrame({"item_id": ids, "text": names, "title": names}),
        events=events.select("user_id", "item_id", positions().alias("timestamp"), "rating"),
        notes=(
            "no time was read: timestamps are positions in the file (use order=none)",
            *artists.unread_note("id", "name", "url", "pictureURL"),
            *plays.unread_note("userID", "artistID", "weight"),
        ),
    )
