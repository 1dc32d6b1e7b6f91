"""``--also``: a further file or folder of the same data set is read beside the first, whatever the format."""

from pathlib import Path

import polars as pl
import pytest

from client.data.importers.imported import ImportedPlatform
from client.data.importers.table import IMPORTERS, import_platform
from shared.errors import DataError
from tests.unit.client.data.importers import raw


def imported(name: str, *sources: Path) -> ImportedPlatform:
    return import_platform(IMPORTERS[name].read, sources, sources[0].parent / "out", force=True)


def folder(place: Path, **files: str) -> Path:
    """A folder with these files, a double underscore in a name standing for the dot."""
    place.mkdir()
    for name, content in files.items():
        (place / name.replace("__", ".")).write_text(content)
    return place


def repeats(done: ImportedPlatform) -> list[str]:
    return [note for note in done.notes if "that repeat" in note]


def same(one: ImportedPlatform, other: ImportedPlatform) -> bool:
    return one.items.equals(other.items) and one.events.equals(other.events)


@pytest.mark.parametrize("name", ["movielens", "mind", "amazon-reviews", "uci-retail", "lastfm"])
def test_reads_a_copy_of_the_same_files_as_nothing_new(tmp_path: Path, name: str) -> None:
    places = (tmp_path / "one", tmp_path / "two")
    for place in places:
        place.mkdir()
    one, two = (raw.SOURCES[name](place) for place in places)
    assert same(imported(name, one, two), imported(name, one))


def test_movielens_joins_a_further_folder_and_counts_what_it_repeats(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", movies__csv=raw.MOVIES, ratings__csv=raw.RATINGS)
    ratings = f"{raw.RATINGS}9,4,5.0,{raw.BEGIN}\n"
    movies = "movieId,title,genres\n1,Another,Drama\n4,New,Drama\n"
    done = imported("movielens", one, folder(tmp_path / "two", movies__csv=movies, ratings__csv=ratings))
    assert done.events["item_id"].to_list() == [1, 2, 1, 4]
    assert done.items["title"].to_list() == ["Toy, Story (1995)", "Heat (1995)", "Unseen", "New"]
    assert repeats(done) == ["3 rows that repeat one of an earlier file exactly left out"]


def test_movielens_names_the_line_of_the_further_file(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", movies__csv=raw.MOVIES, ratings__csv=raw.RATINGS)
    two = folder(tmp_path / "two", ratings__csv=f"userId,movieId,rating,timestamp\n9,1,5,{raw.BEGIN}000\n")
    with pytest.raises(DataError, match=r"two/ratings\.csv, line 2: column timestamp: expected seconds as in"):
        imported("movielens", one, two)


def test_lastfm_joins_a_further_folder(tmp_path: Path) -> None:
    plays = raw.PLAYS + "7\t3\t4\n"
    artists = "id\tname\turl\tpictureURL\n3\tMirrors\tu\tp\n"
    two = folder(tmp_path / "two", artists__dat=artists, user_artists__dat=plays)
    done = imported("lastfm", raw.lastfm(tmp_path), two)
    assert done.events.select("user_id", "item_id").rows() == [(2, 2), (2, 1), (5, 1), (7, 3)]
    assert done.items["text"].to_list() == ['MALICE "MIZER"', "бумбокс", "Mirrors"]


HEAD = "user_id:token\titem_id:token\ttimestamp:float\n"


def test_recbole_joins_a_further_folder_or_file(tmp_path: Path) -> None:
    first, second = f"a\t0\t{raw.BEGIN}\n", f"b\t1\t{raw.BEGIN}\n"
    one = folder(tmp_path / "one", G__item=raw.ATOMIC_ITEMS, G__inter=HEAD + first)
    two = folder(tmp_path / "two", H__item="item_id:token\ttitle:token\n9\tNew\n", H__inter=HEAD + first + second)
    for further in (two, two / "H.inter"):
        done = imported("recbole", one, further)
        assert done.events.select("user_id", "item_id").rows() == [("a", "0"), ("b", "1")]
        assert repeats(done) == ["1 rows that repeat one of an earlier file exactly left out"]
    assert imported("recbole", one, two).items["item_id"].to_list() == ["0", "1", "2", "9"]


def test_recbole_reads_the_parts_of_a_data_set_in_their_order_wherever_they_lie(tmp_path: Path) -> None:
    head = "user_id:token\titem_id:token\n"
    one = folder(tmp_path / "one", G__item=raw.ATOMIC_ITEMS, G__test__inter=f"{head}a\t0\n")
    two = folder(tmp_path / "two", G__train__inter=f"{head}a\t2\na\t1\n")
    assert imported("recbole", one, two).events["item_id"].to_list() == ["2", "1", "0"]


def test_recbole_refuses_two_data_sets_in_one_folder(tmp_path: Path) -> None:
    inter = f"{HEAD}a\t0\t{raw.BEGIN}\n"
    source = folder(tmp_path / "one", G__item=raw.ATOMIC_ITEMS, G__inter=inter, H__inter=inter)
    with pytest.raises(DataError, match=r"expected one file \*\.inter, found .*G\.inter and .*H\.inter"):
        imported("recbole", source)


def test_mind_counts_the_impressions_of_an_earlier_part_once(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", behaviors__tsv=raw.BEHAVIORS, news__tsv=raw.NEWS)
    more = f"{raw.BEHAVIORS}4\tU2\t11/13/2019 12:00:01 AM\t\tN2-1\n"
    done = imported("mind", one, folder(tmp_path / "two", behaviors__tsv=more, news__tsv=raw.NEWS))
    assert done.impressions is not None
    assert done.impressions.height == 4
    assert repeats(done) == ["3 rows that repeat one of an earlier file exactly left out"]
    assert done.events.filter(pl.col("user_id") == "U2")["item_id"].to_list() == ["N1", "N2"]
