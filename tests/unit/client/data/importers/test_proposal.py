"""What import csv does where nobody gave it a map."""

import shlex
from pathlib import Path

import polars as pl
import pytest

from client.data.importers.proposal import _written
from tests.unit.client.data.importers import raw
from tests.unit.client.data.sql.shop import write_shop

SALES = "customer,sku,bought_at,qty,title\nu,7,2020-01-01,2,Hat\nu,8,2020-01-02,1,Shoe\n"


def test_reads_well_known_names_and_says_the_whole_command(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    done = raw.graft_client("import", "csv", tmp_path / "sales.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()[0].removeprefix("read as: ")
    mapped = "user_id=customer,item_id=sku,timestamp=bought_at,text=title,rating=qty"
    assert shlex.split(said)[:8] == [
        *("graft-client", "import", "csv", str(tmp_path / "sales.csv"), "--out", str(tmp_path / "out")),
        *("--map", mapped),
    ]
    again = raw.graft_client(*shlex.split(said)[1:], "--force")
    assert again.returncode == 0
    assert pl.read_parquet(tmp_path / "out" / "events.parquet")["rating"].to_list() == [2.0, 1.0]


FRENCH = "client;article;achat;titre\nu;7;13/02/2020 10:15;Un chapeau rouge\nv;8;01/03/2020 09:00;Des bottes en cuir\n"


def test_finds_dates_and_texts_by_what_they_hold_and_how_dates_are_written(tmp_path: Path) -> None:
    (tmp_path / "ventes.csv").write_text(FRENCH, "utf-8")
    done = raw.graft_client("import", "csv", tmp_path / "ventes.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "user_id=client,item_id=article,timestamp=achat,text=titre" in done.stdout
    assert "--time-format '%d/%m/%Y %H:%M'" in done.stdout
    assert pl.read_parquet(tmp_path / "out" / "items.parquet")["text"].to_list() == [
        "Un chapeau rouge",
        "Des bottes en cuir",
    ]
    times = pl.read_parquet(tmp_path / "out" / "events.parquet")["timestamp"].sort()
    assert times.diff().drop_nulls().to_list() == [16 * 86_400 + 23 * 3600 - 15 * 60]


@pytest.mark.parametrize(
    ("dates", "written"),
    [
        (("2/13/20", "3/1/20"), "%m/%d/%y"),
        (("13.2.2020", "1.3.2020"), "%d.%m.%Y"),
        (("13-02-2020 10:15:00", "01-03-2020 10:15:01"), "%d-%m-%Y %H:%M:%S"),
        (("12/31/2020 1:05 PM", "1/2/2020 11:00 AM"), "%m/%d/%Y %I:%M %p"),
        (("31/12/2020, 14:05:09", "01/02/2020, 11:00:00"), "%d/%m/%Y, %H:%M:%S"),
        (("31 Dec 2020", "1 Feb 2020"), "%d %b %Y"),
        (("Dec 31, 2020 14:05", "May 1, 2020 11:00"), "%b %d, %Y %H:%M"),
        (("2020/12/31 14:05", "2020/2/1 9:00"), "%Y/%m/%d %H:%M"),
        (("2020-12-31 14:05", "2020-2-1 9:00"), "%Y-%m-%d %H:%M"),
        (("31 Dez 2020", "1 Feb 2020"), None),
        (("01/02/2020", "02/03/2020"), None),
        (("13/02/2020", "02/13/2020"), None),
        (("13/02/2020", "01.03.2020"), None),
        (("2020-02-13", "2020-03-01"), None),
    ],
)
def test_a_date_that_can_be_read_in_one_way_says_how_all_are_written(
    dates: tuple[str, str], written: str | None
) -> None:
    assert _written(pl.Series(dates)) == written


def test_dates_that_nobody_can_tell_stay_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(FRENCH.replace("13/02", "11/02"), "utf-8")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "say how with --time-format" in done.stderr


def test_looks_for_a_day_beyond_the_twelfth_all_over_the_table(tmp_path: Path) -> None:
    lines = [f"u{number % 7};7;{1 + number // 2000:02}.12.2025;Hut\n" for number in range(40_000)]
    (tmp_path / "log.csv").write_text("Kunde;Artikel;Datum;Titel\n" + "".join(lines), "utf-8")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--time-format %d.%m.%Y" in done.stdout


def test_of_two_columns_of_dates_none_is_taken(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,sku,opened,closed,title\nu,7,2020-01-01,2020-02-01,Hat\n", "utf-8")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert "timestamp=COLUMN" in done.stderr


def test_names_all_that_is_missing_and_the_command_to_complete(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("who,sku,moment,title\nu,7,yesterday,Hat\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "expected the columns user_id, timestamp, found who, sku, moment, title" in done.stderr
    assert "--map item_id=sku,text=title,user_id=COLUMN,timestamp=COLUMN" in done.stderr
    assert not (tmp_path / "out").exists()


def test_finds_the_items_own_name_for_their_ids_by_what_it_holds(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "events.csv").write_text(SALES.replace(",title", "").replace(",Hat", "").replace(",Shoe", ""))
    (source / "items.csv").write_text("title,code,shelf\nHat,7,1\nShoe,8,1\n")
    done = raw.graft_client("import", "csv", source, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "items.item_id=code" in done.stdout
    (source / "items.csv").write_text("title,code,shelf\nHat,x7,1\nShoe,x8,1\n")
    refused = raw.graft_client("import", "csv", source, "--out", tmp_path / "other")
    assert refused.returncode == 2
    assert "items.item_id=COLUMN" in refused.stderr


def test_finds_fields_within_others(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"who": {"user": "u"}, "product": {"sku": 7, "title": "Hat"}, "ts": 0}\n')
    done = raw.graft_client("import", "csv", tmp_path / "log.jsonl", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "user_id=who.user,item_id=product.sku,timestamp=ts,text=product.title" in done.stdout


def test_takes_no_words_for_times(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,time,date,title\nu,7,noon,2020-01-01,Hat\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert "timestamp=date" in done.stdout


def test_an_id_is_the_text_where_nothing_else_describes_items(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::7::5::1500000000\n1::8::3::1500000001\n")
    done = raw.graft_client(
        *("import", "csv", tmp_path / "ratings.dat", "--out", tmp_path / "out"),
        *("--separator", "::", "--columns", "user,item,rating,time"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--separator :: --columns user,item,rating,time" in done.stdout.splitlines()[0]
    assert pl.read_parquet(tmp_path / "out" / "events.parquet")["rating"].to_list() == [5.0, 3.0]


GERMAN = "Belegnr;Kundennummer;Artikel;Zeitpunkt;Anzahl;Einzelpreis\n1;40157;A-1;25.05.2025 21:06;0,5;3,76\n"
SPANISH = "cliente,artículo,fecha,cantidad,título\nc1,a1,2025-01-02,3,Sombrero rojo\n"
BOOKS = "reader,book,stars,rated_on\nr1,9780,4.5,2024-05-01T12:00:00+02:00\n"
CAMEL = "sessionId,userId,contentId,contentTitle,userRating,eventTimeMs\ns1,u1,c1,A red hat,4,1756101071294\n"
CLICKS = "visitorID,pageId,clickTs\nv1,p1,1756101071294\n"
LOG = '"uid","content_id","ts","dwell"\n"u-1","vid_1","1756101071294","175260"\n'


@pytest.mark.parametrize(
    ("table", "mapped"),
    [
        (GERMAN, "user_id=Kundennummer,item_id=Artikel,timestamp=Zeitpunkt,rating=Anzahl"),
        (SPANISH, "user_id=cliente,item_id=artículo,timestamp=fecha,text=título,rating=cantidad"),
        (BOOKS, "user_id=reader,item_id=book,timestamp=rated_on,rating=stars"),
        (CAMEL, "user_id=userId,item_id=contentId,timestamp=eventTimeMs,text=contentTitle,rating=userRating"),
        (CLICKS, "user_id=visitorID,item_id=pageId,timestamp=clickTs"),
        (LOG, "user_id=uid,item_id=content_id,timestamp=ts"),
    ],
)
def test_knows_what_shops_and_readers_call_their_columns(table: str, mapped: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(table, "utf-8")
    done = raw.graft_client("import", "csv", tmp_path / "table.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    words = shlex.split(done.stdout.splitlines()[0])
    assert words[words.index("--map") + 1] == mapped
    assert raw.graft_client(*words[3:], "--force").returncode == 0


def test_a_decimal_comma_is_found_and_a_second_table_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "verkauf.csv").write_text(GERMAN, "utf-8")
    (tmp_path / "artikel.csv").write_text("Artikelnr;Bezeichnung;Warengruppe\nA-1;Säge;Garten\n", "latin-1")
    command = ("import", "csv", tmp_path / "verkauf.csv", "--out", tmp_path / "out", "--items")
    refused = raw.graft_client(*command, tmp_path / "artikel.csv")
    assert "artikel.csv, line 2: expected UTF-8 text (--encoding latin-1" in refused.stderr
    done = raw.graft_client(*command, tmp_path / "artikel.csv", "--encoding", "latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "text=Bezeichnung,items.item_id=Artikelnr,category=Warengruppe" in done.stdout
    assert "--decimal ," in done.stdout
    assert pl.read_parquet(tmp_path / "out" / "events.parquet")["rating"].to_list() == [0.5]
    assert pl.read_parquet(tmp_path / "out" / "items.parquet")["text"].to_list() == ["Säge"]


def test_marks_between_thousands_are_no_fractions(tmp_path: Path) -> None:
    (tmp_path / "us.csv").write_text('user,item,date,quantity\nu,7,31 Dec 2020,"1,200"\nv,8,1 Feb 2020,"12"\n')
    done = raw.graft_client("import", "csv", tmp_path / "us.csv", "--out", tmp_path / "us")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--decimal" not in done.stdout
    assert pl.read_parquet(tmp_path / "us" / "events.parquet")["rating"].to_list() == [1200.0, 12.0]
    (tmp_path / "de.csv").write_text("Kunde;Artikel;Datum;Menge\nu;7;2020-01-01;1.200,5\nv;8;2020-01-02;0,250\n")
    done = raw.graft_client("import", "csv", tmp_path / "de.csv", "--out", tmp_path / "de")
    assert (done.returncode, done.stderr) == (0, "")
    assert pl.read_parquet(tmp_path / "de" / "events.parquet")["rating"].to_list() == [1200.5, 0.25]
    (tmp_path / "de.csv").write_text("Kunde;Artikel;Datum;Menge\nu;7;2020-01-01;1.200\nv;8;2020-01-02;12\n")
    raw.graft_client("import", "csv", tmp_path / "de.csv", "--out", tmp_path / "de", "--decimal", ",", "--force")
    assert pl.read_parquet(tmp_path / "de" / "events.parquet")["rating"].to_list() == [1200.0, 12.0]


def test_reads_the_unicode_text_of_spreadsheets(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("user\titem\ttime\ttitle\nu\t7\t2020-01-01\tGroße Säge\n", "utf-16")
    done = raw.graft_client("import", "csv", tmp_path / "log.txt", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert pl.read_parquet(tmp_path / "out" / "items.parquet")["text"].to_list() == ["Große Säge"]


def test_where_some_rows_are_wrong_it_says_how_to_leave_them_out(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,time,title\n,7,2020-01-01,Hat\nu,7,2020-01-02,Hat\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "column user: expected an id, found an empty field" in done.stderr
    assert done.stderr.endswith("(--skip-bad leaves such rows out and lists them)\n")
    (tmp_path / "log.csv").write_text("user,item,time,title\n,7,2020-01-01,Hat\n")
    assert "--skip-bad" not in raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out").stderr


def test_what_is_to_be_completed_leaves_texts_out_and_names_a_second_table(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("alpha,sku,gamma\nu,7,x\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "--map item_id=sku,user_id=COLUMN,timestamp=COLUMN; where a second table describes" in done.stderr
    (tmp_path / "log.csv").write_text("user,sku,gamma\nu,7,x\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert "expected the column timestamp, found" in done.stderr


def test_without_a_column_of_texts_ids_are_texts_and_a_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\nu,a,1700000000\nu, b,1700000001\n")
    done = raw.graft_client("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing describes items: each one's id is its text" in done.stdout
    assert "1 ids have blanks around them, which are left out" in done.stdout
    assert sorted(pl.read_parquet(tmp_path / "out" / "items.parquet")["text"]) == ["a", "b"]


def test_a_further_file_is_pointed_to_the_option_of_the_second_table(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(SALES)
    command = ("import", "csv", tmp_path / "log.csv", "--out", tmp_path / "out", "--also", tmp_path / "items.csv")
    refused = raw.graft_client(*command)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--items FILE names a table of items" in refused.stderr


def test_imports_what_a_database_gives(tmp_path: Path) -> None:
    source = write_shop(tmp_path / "shop")
    done = raw.graft_client("import", "sql", source, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "60 users, 12 items, 240 events" in done.stdout
    refused = raw.graft_client("import", "sql", tmp_path / "shop" / "shop.db", "--out", tmp_path / "other")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
