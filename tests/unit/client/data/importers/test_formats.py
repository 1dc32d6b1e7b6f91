"""What each importer makes of a small source in its true format."""

from functools import partial
from pathlib import Path

import polars as pl
import pytest

from client.data.check import check_folder
from client.data.contract import PlatformFolder
from client.data.importers.table import IMPORTERS, import_platform
from client.data.importers.uci_retail import import_uci_retail
from client.data.source import read_folder
from shared.errors import DataError
from tests.unit.client.data.importers import raw


def imported(name: str, source: Path, out: Path, **options: bool) -> PlatformFolder:
    import_platform(IMPORTERS[name].read, (source,), out, **options)
    return read_folder(out)


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.select(columns).rows()


@pytest.mark.parametrize("name", raw.SOURCES)
def test_makes_a_folder_that_passes_the_check(tmp_path: Path, name: str) -> None:
    imported(name, raw.SOURCES[name](tmp_path), tmp_path / "out")
    assert {one.kind for one in check_folder(tmp_path / "out").violations} <= {"few-events"}


@pytest.mark.parametrize("name", ["movielens", "mind", "lastfm", "recbole"])
def test_reads_an_unpacked_folder_like_its_zip(tmp_path: Path, name: str) -> None:
    packed = raw.SOURCES[name](tmp_path)
    raw.zipfile.ZipFile(packed).extractall(tmp_path / "unpacked")
    one = imported(name, packed, tmp_path / "one")
    two = imported(name, tmp_path / "unpacked", tmp_path / "two")
    assert one.items.equals(two.items)
    assert one.events.equals(two.events)


def test_movielens_joins_title_genres_and_the_most_frequent_tags(tmp_path: Path) -> None:
    folder = imported("movielens", raw.movielens(tmp_path), tmp_path / "out")
    assert rows(folder.items, "item_id", "text", "category") == [
        (1, "Toy, Story (1995). Adventure, Comedy. fun, pixar", "Adventure, Comedy"),
        (2, "Heat (1995)", ""),
        (3, "Unseen. Drama", "Drama"),
    ]
    assert rows(folder.events, "user_id", "item_id", "timestamp", "rating") == [
        (7, 1, raw.BEGIN + 100, 4.0),
        (7, 2, raw.BEGIN + 200, 3.5),
        (8, 1, raw.BEGIN + 50, 0.5),
    ]


def test_movielens_reads_times_in_iso_8601(tmp_path: Path) -> None:
    ratings = raw.RATINGS.replace("1500000200", "2017-07-14T02:43:20Z").replace("1500000100", "2017-07-14 02:41:40.5")
    files = {"movies.csv": raw.MOVIES, "ratings.csv": ratings.replace("1500000050", "2017-07-14T04:40:50+02:00")}
    folder = imported("movielens", raw.write_zip(tmp_path / "ml.zip", files), tmp_path / "out")
    assert folder.events["timestamp"].to_list() == [raw.BEGIN + 100.5, raw.BEGIN + 200, raw.BEGIN + 50]


def test_leaves_unused_items_out_on_demand(tmp_path: Path) -> None:
    folder = imported("movielens", raw.movielens(tmp_path), tmp_path / "out", only_used=True)
    assert folder.items["item_id"].to_list() == [1, 2]


def test_mind_gives_the_history_once_then_the_clicks(tmp_path: Path) -> None:
    folder = imported("mind", raw.mind(tmp_path), tmp_path / "out")
    start = 18_181 * 86_400  # 2019-10-12 is day 18,181 after 1970-01-01
    noon_9 = (18_211 * 24 + 9) * 3600  # 2019-11-11 9:00
    afternoon = 18_212 * 86_400 + 14 * 3600 + 14 * 60 + 46
    assert rows(folder.events, "user_id", "item_id", "timestamp", "time_known") == [
        ("U1", "N1", start, False),
        ("U1", "N2", start + 1, False),
        ("U1", "N3", noon_9, True),
        ("U1", "N3", afternoon, True),
        ("U2", "N1", 18_213 * 86_400, True),
    ]
    assert folder.impressions is not None
    assert rows(folder.impressions, "candidates", "labels") == [
        (["N1", "N3"], [0.0, 1.0]),
        (["N3", "N2"], [1.0, 0.0]),
        (["N1"], [1.0]),
    ]
    assert folder.items["text"].to_list() == ['A "goal". sports', "Banks. finance", "Run. health"]


@pytest.mark.parametrize("day", ["11/1{}/2017", "10/12/2019"])
def test_mind_puts_the_history_before_whatever_log(tmp_path: Path, day: str) -> None:
    behaviors = "".join(
        f"{row}\tU{row}\t{day.format(row)} 12:00:0{row} AM\tN1 N2 N1 N2 N1\tN3-1\n" for row in range(1, 4)
    )
    source = raw.write_zip(tmp_path / "m.zip", {"behaviors.tsv": behaviors, "news.tsv": raw.NEWS})
    events = imported("mind", source, tmp_path / "out").events
    last_read = events.filter(~pl.col("time_known"))["timestamp"].max()
    assert last_read == events.filter("time_known")["timestamp"].min() - 1  # type: ignore[operator]
    assert events.filter(pl.col("user_id") == "U3")["item_id"].to_list() == ["N1", "N2", "N1", "N2", "N1", "N3"]


def test_mind_takes_the_fullest_of_several_news_lines(tmp_path: Path) -> None:
    raw.mind(tmp_path)
    short = 'N1\tsports\t\tA "goal"\t\t\t[]\t[]\n'
    raw.write_zip(tmp_path / "all.zip", {"news.tsv": short})
    folder = imported("mind", tmp_path, tmp_path / "out")
    assert folder.items["subcategory"].to_list() == ["soccer", "", ""]


def test_mind_keeps_items_without_a_news_line_under_their_id(tmp_path: Path) -> None:
    news = raw.NEWS.splitlines(keepends=True)[0]
    source = raw.write_zip(tmp_path / "m.zip", {"behaviors.tsv": raw.BEHAVIORS, "news.tsv": news})
    folder = imported("mind", source, tmp_path / "out", keep_unknown=True)
    assert rows(folder.items, "item_id", "text")[1:] == [("N2", "N2"), ("N3", "N3")]


def test_amazon_drops_exact_repeats_and_cleans_texts(tmp_path: Path) -> None:
    folder = imported("amazon-reviews", raw.amazon(tmp_path), tmp_path / "out")
    assert rows(folder.events, "user_id", "item_id", "timestamp", "rating") == [
        ("A1", "B2", raw.BEGIN + 100, 1.0),
        ("A1", "B1", raw.BEGIN + 300, 5.0),
        ("A2", "B9", raw.BEGIN + 200, 4.0),
    ]
    assert rows(folder.items, "item_id", "text", "category", "description") == [
        ("B1", "Card & box. Acme", "Boxes", "Fine card"),
        ("B2", "B2", "", ""),
        ("B9", "B9", "", ""),
    ]


def test_amazon_keeps_no_reviewer_name(tmp_path: Path) -> None:
    folder = imported("amazon-reviews", raw.amazon(tmp_path), tmp_path / "out")
    assert folder.events.columns == ["user_id", "item_id", "timestamp", "rating", "time_known"]


def test_retail_keeps_purchases_and_adds_up_lines_of_one_invoice(tmp_path: Path) -> None:
    folder = imported("uci-retail", raw.retail(tmp_path), tmp_path / "out")
    day = 14_579 * 86_400  # 2009-12-01
    assert rows(folder.events, "user_id", "item_id", "timestamp", "rating") == [
        (13085, "85048", day + 1, 1.0),
        (13085, "85048", day + 7 * 3600 + 45 * 60, 15.0),
        (13086, "79323P", day + 86_400, 1.0),
    ]
    assert rows(folder.items, "item_id", "text", "price_gbp") == [
        ("79323P", "cherry, lights", 2.0),
        ("85048", "red lamp", 6.95),
    ]


def test_retail_reads_the_column_names_of_the_first_data_set(tmp_path: Path) -> None:
    old = raw.INVOICES.replace("Invoice,", "InvoiceNo,", 1).replace("Price", "UnitPrice", 1)
    (tmp_path / "old.csv").write_text(old.replace("Customer ID", "CustomerID", 1))
    assert imported("uci-retail", tmp_path / "old.csv", tmp_path / "out").events.height == 3


CANCELLED = (
    "C8,85048,RED LAMP,-15,2009-12-03 00:00:00,6.95,13085.0,United Kingdom\n"
    "C9,85048,RED LAMP,-1,2009-12-04 00:00:00,6.95,13085.0,United Kingdom\n"
    "10,85048,RED LAMP,9,2009-12-04 00:00:00,6.95,13086.0,France\n"
    "C11,85048,RED LAMP,-8,2009-12-05 00:00:00,6.95,13086.0,France\n"
)


def test_retail_says_what_was_cancelled_and_drops_it_if_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(raw.INVOICES + CANCELLED)
    (tmp_path / "copy.csv").write_text(raw.INVOICES + CANCELLED)  # cancellations count once, as purchases do
    paths = (tmp_path / "sheet.csv", tmp_path / "copy.csv")
    # 13085 cancels 16 of 16 lamps, 13086 one of one string of lights (C5), and 8 of 9 lamps
    what = "3 events are of products of which the customer cancelled all that was bought: "
    kept = import_platform(import_uci_retail, paths, tmp_path / "out")
    assert kept.events.height == 4
    assert kept.notes[-1] == f"{what}kept (to leave them out: --drop-cancelled)"
    dropped = import_platform(partial(import_uci_retail, drop_cancelled=True), paths, tmp_path / "dropped")
    assert rows(dropped.events, "user_id", "item_id", "rating") == [(13086, "85048", 9.0)]
    assert dropped.notes[-1] == f"{what}left out"


def test_retail_counts_only_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("".join(raw.INVOICES.splitlines(keepends=True)[:5]))
    assert import_platform(import_uci_retail, (tmp_path / "sheet.csv",), tmp_path / "out").notes == ()


def test_lastfm_numbers_each_listeners_rows(tmp_path: Path) -> None:
    folder = imported("lastfm", raw.lastfm(tmp_path), tmp_path / "out")
    assert rows(folder.events, "user_id", "item_id", "timestamp", "rating") == [
        (2, 2, 0, 13883.0),
        (2, 1, 1, 11690.0),
        (5, 1, 0, 1.0),
    ]
    assert folder.items["text"].to_list() == ['MALICE "MIZER"', "бумбокс"]


def test_recbole_takes_each_users_longest_sequence(tmp_path: Path) -> None:
    folder = imported("recbole", raw.recbole(tmp_path), tmp_path / "out")
    assert rows(folder.events, "user_id", "item_id", "timestamp", "rating") == [
        ("a", "0", 0, 1.0),
        ("a", "1", 1, 1.0),
        ("a", "2", 2, 1.0),
        ("b", "2", 0, 1.0),
        ("b", "0", 1, 1.0),
    ]
    assert folder.items["text"].to_list() == ["Fire Emblem. Role Play", "Tetris", "Pong. Ball"]


def test_recbole_reads_plain_interactions(tmp_path: Path) -> None:
    files = {"G.item": raw.ATOMIC_ITEMS, "G.inter": raw.ATOMIC_PLAIN}
    folder = imported("recbole", raw.write_zip(tmp_path / "g.zip", files), tmp_path / "out")
    assert rows(folder.events, "item_id", "timestamp", "rating") == [
        ("0", raw.BEGIN + 10, 5.0),
        ("1", raw.BEGIN + 20, 4.0),
    ]


def recbole_source(folder: Path, inter: str, item: str = raw.ATOMIC_ITEMS) -> Path:
    return raw.write_zip(folder / "g.zip", {"G.item": item, "G.inter": inter})


HEAD = "user_id:token\titem_id:token\t"


@pytest.mark.parametrize("name", ["label", "is_click", "is_like", "is_buy"])
def test_recbole_reads_a_label_as_the_rating(tmp_path: Path, name: str) -> None:
    source = recbole_source(tmp_path, f"{HEAD}{name}:float\ttimestamp:float\na\t1\t0\t1\na\t0\t1\t0\n")
    done = import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")
    assert rows(done.events, "item_id", "rating") == [("0", 1.0), ("1", 0.0)]
    assert done.notes[-1].startswith("1 events are rated 0 and 0 below 0")


def test_recbole_takes_a_label_of_0_for_the_rating_whatever_else_it_is_rated(tmp_path: Path) -> None:
    inter = f"{HEAD}rating:float\tlabel:float\ttimestamp:float\na\t1\t2\t0\t1\na\t0\t5\t1\t0\n"
    folder = imported("recbole", recbole_source(tmp_path, inter), tmp_path / "out")
    assert rows(folder.events, "item_id", "rating") == [("0", 5.0), ("1", 0.0)]


@pytest.mark.parametrize("field", ["time:float", "ts:token", "datetime:token", "date:token"])
def test_recbole_knows_the_time_under_other_names(tmp_path: Path, field: str) -> None:
    numbers, texts = ("1577836820", "1577836810"), ("2020-01-01 00:00:20", "2020-01-01 00:00:10")
    times = numbers if field in ("time:float", "ts:token") else texts
    source = recbole_source(tmp_path, f"{HEAD}{field}\na\t1\t{times[0]}\na\t0\t{times[1]}\n")
    folder = imported("recbole", source, tmp_path / "out")
    assert rows(folder.events, "item_id", "timestamp") == [("0", 1_577_836_810), ("1", 1_577_836_820)]


@pytest.mark.parametrize("name", ["visit_time", "buy_date", "timestamps", "day"])
def test_recbole_asks_about_a_field_that_may_be_the_time(tmp_path: Path, name: str) -> None:
    source = recbole_source(tmp_path, f"{HEAD}{name}:float\na\t1\t20\na\t0\t10\n")
    with pytest.raises(DataError, match=f"expected the time in a field timestamp or .*, found {name}, .*rename"):
        imported("recbole", source, tmp_path / "out")


def test_recbole_names_the_fields_that_it_does_not_read(tmp_path: Path) -> None:
    source = recbole_source(tmp_path, f"{HEAD}mood:float\na\t1\t20\na\t0\t10\n")
    done = import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")
    assert done.notes == (
        "no time was read: timestamps are positions in each user's sequence",
        f"{source}:G.inter: columns that were not read: mood",
    )


def test_recbole_names_the_time_that_a_sequence_makes_needless(tmp_path: Path) -> None:
    inter = f"{HEAD}item_id_list:token_seq\ttimestamp:float\na\t1\t0\t20\n"
    source = recbole_source(tmp_path, inter)
    done = import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")
    assert rows(done.events, "item_id", "timestamp", "rating") == [("0", 0, 1.0), ("1", 1, 1.0)]
    assert done.notes[1] == f"{source}:G.inter: columns that were not read: timestamp"


LIST_HEAD = "user_id:token\titem_id_list:token_seq\titem_id:token"


def test_recbole_takes_no_target_with_a_label_of_0_for_an_event(tmp_path: Path) -> None:
    inter = f"{LIST_HEAD}\tlabel:float\na\t0 1\t2\t1\na\t0 1\t3\t0\nb\t1\t0\t0\nc\t\t3\t0\nc\t\t1\t1\n"
    items = f"{raw.ATOMIC_ITEMS}3\tChess\t1\tBoard\n"
    done = import_platform(IMPORTERS["recbole"].read, (recbole_source(tmp_path, inter, items),), tmp_path / "out")
    assert rows(done.events, "user_id", "item_id") == [("a", "0"), ("a", "1"), ("a", "2"), ("b", "1"), ("c", "1")]
    assert "3 rows rated 0 or less (not clicked, disliked): their last item is left out" in done.notes
    assert not any("not read" in note for note in done.notes)


@pytest.mark.parametrize("cap", [1, 2, 3, 9])
def test_recbole_puts_windows_of_a_sequence_together(tmp_path: Path, cap: int) -> None:
    lists = {"a": ["0", "1", "2", "3", "1", "4"], "b": ["4", "3", "2", "1", "0"]}
    windows = "".join(
        f"{user}\t{' '.join(items[max(0, end - cap) : end])}\t{items[end]}\n"
        for user, items in lists.items()
        for end in range(1, len(items))
    )
    items = f"{raw.ATOMIC_ITEMS}3\tChess\t1\tBoard\n4\tGo\t1\tBoard\n"
    source = recbole_source(tmp_path, f"{LIST_HEAD}\n{windows}", items)
    done = import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")
    assert rows(done.events, "user_id", "item_id") == [(user, item) for user in "ab" for item in lists[user]]
    assert not any("left out" in note for note in done.notes)


def test_recbole_keeps_two_targets_of_one_list(tmp_path: Path) -> None:
    source = recbole_source(tmp_path, f"{LIST_HEAD}\na\t0\t1\na\t0\t2\n")
    folder = imported("recbole", source, tmp_path / "out")
    assert folder.events["item_id"].to_list() == ["0", "1", "2"]


def test_recbole_counts_what_lists_hold_that_do_not_join(tmp_path: Path) -> None:
    source = recbole_source(tmp_path, f"{LIST_HEAD}\na\t0\t1\na\t2 0\t1\na\t1\t0\nb\t0\t1\nb\t2\t0\n")
    done = import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")
    assert rows(done.events, "user_id", "item_id") == [
        ("a", "2"),
        ("a", "0"),
        ("a", "1"),
        ("b", "2"),
        ("b", "0"),
    ]
    assert "1 items of 1 users left out: the lists that hold them do not join the longest one" in done.notes


def test_recbole_takes_a_name_of_one_token_into_the_text(tmp_path: Path) -> None:
    item = "item_id:token\tproduct_name:token\tbrand_id:token\n0\tHat\t77\n1\tShoe\t78\n"
    folder = imported("recbole", recbole_source(tmp_path, raw.ATOMIC_PLAIN, item), tmp_path / "out")
    assert folder.items["text"].to_list() == ["Hat", "Shoe"]


def test_takes_a_file_once_that_is_named_twice(tmp_path: Path) -> None:
    raw.zipfile.ZipFile(raw.movielens(tmp_path)).extractall(tmp_path / "in")
    also = tmp_path / "in" / "ml" / "tags.csv"
    done = import_platform(IMPORTERS["movielens"].read, (tmp_path / "in", also), tmp_path / "out")
    assert done.items["text"][0].endswith("fun, pixar")


def test_names_a_column_that_movielens_does_not_have(tmp_path: Path) -> None:
    ratings = "\n".join(f"{line},x" for line in raw.RATINGS.splitlines()).replace("timestamp,x", "timestamp,device")
    source = raw.write_zip(tmp_path / "ml.zip", {"movies.csv": raw.MOVIES, "ratings.csv": ratings})
    done = import_platform(IMPORTERS["movielens"].read, (source,), tmp_path / "out")
    assert done.notes == (f"{source}:ratings.csv: columns that were not read: device",)


def test_retail_reads_a_further_sheet_and_an_invoice_on_both_once(tmp_path: Path) -> None:
    lines = raw.INVOICES.splitlines(keepends=True)
    new = "9,85048,RED LAMP,2,2010-12-04 00:00:00,6.95,13086.0,France\n"
    (tmp_path / "a.csv").write_text(raw.INVOICES)
    (tmp_path / "b.csv").write_text(lines[0] + lines[1] + new)
    paths = (tmp_path / "a.csv", tmp_path / "b.csv")
    done = import_platform(IMPORTERS["uci-retail"].read, paths, tmp_path / "out")
    assert rows(done.events, "user_id", "item_id", "rating") == [
        (13085, "85048", 1.0),
        (13085, "85048", 15.0),
        (13086, "79323P", 1.0),
        (13086, "85048", 2.0),
    ]


def test_mind_reads_two_parts_as_one(tmp_path: Path) -> None:
    one, two = (tmp_path / part for part in ("train", "dev"))
    for part, behaviors in ((one, raw.BEHAVIORS), (two, "9\tU1\t11/14/2019 9:00:00 AM\tN9\tN2-1\n")):
        part.mkdir()
        raw.write_zip(part / "m.zip", {"behaviors.tsv": behaviors, "news.tsv": raw.NEWS})
    done = import_platform(IMPORTERS["mind"].read, (one, two), tmp_path / "out")
    assert done.impressions is not None
    assert done.impressions.height == 4
    assert rows(done.events.filter(pl.col("user_id") == "U1"), "item_id")[-1] == ("N2",)
    assert "1 events that only a later history of a user tells left out: no time is known" in done.notes


def test_amazon_takes_each_field_of_a_product_from_the_first_line_that_has_it(tmp_path: Path) -> None:
    source = raw.amazon(tmp_path / "in")
    products = [{"asin": "B9", "brand": "Acme"}, {"asin": "B9", "title": "Hat", "brand": "Other"}, {"asin": "B1"}]
    raw.write_json_lines(source / "meta_Cards.json.gz", [*products, *raw.PRODUCTS])
    done = import_platform(IMPORTERS["amazon-reviews"].read, (source,), tmp_path / "out")
    assert rows(done.items, "item_id", "text") == [("B9", "Hat. Acme"), ("B1", "Card & box. Acme"), ("B2", "B2")]
    assert "1 items have no description: their id stands as their text" in done.notes


def test_amazon_reads_several_files_and_the_categories_of_2014(tmp_path: Path) -> None:
    one, two = raw.amazon(tmp_path / "one"), tmp_path / "two"
    two.mkdir()
    raw.write_json_lines(two / "Toys_5.json.gz", [{**raw.REVIEWS[0], "asin": "T1"}])
    raw.write_json_lines(two / "meta_Toys.json.gz", [{"asin": "T1", "title": "Top", "categories": [["Toys", "Tops"]]}])
    done = import_platform(IMPORTERS["amazon-reviews"].read, (one, two), tmp_path / "out")
    assert rows(done.items, "item_id", "category")[-2:] == [("T1", "Tops"), ("B9", "")]


@pytest.mark.parametrize("field", ["reviewerID", "asin"])
def test_amazon_takes_no_word_for_a_missing_value_for_an_id(tmp_path: Path, field: str) -> None:
    source = raw.amazon(tmp_path / "in")
    raw.write_json_lines(source / "Cards_5.json.gz", [raw.REVIEWS[0], {**raw.REVIEWS[0], field: "nan"}])
    with pytest.raises(
        DataError, match=f"line 2: field {field}: expected an id, found an empty field or a word for a missing value"
    ):
        imported("amazon-reviews", source, tmp_path / "out")
