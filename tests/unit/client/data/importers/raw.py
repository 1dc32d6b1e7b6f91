"""Tiny sources in each distributed format, and running the command on them."""

import gzip
import json
import subprocess
import zipfile
from pathlib import Path

from tests.integration.commands import run

BEGIN = 1_500_000_000
"""Unix seconds from which times are counted."""
REPOSITORY = Path(__file__).parents[5]

MOVIES = (
    'movieId,title,genres\n1,"Toy, Story (1995)",Adventure|Comedy\n2,Heat (1995),(no genres listed)\n3,Unseen,Drama\n'
)
RATINGS = "userId,movieId,rating,timestamp\n7,2,3.5,1500000200\n7,1,4.0,1500000100\n8,1,0.5,1500000050\n"
TAGS = "userId,movieId,tag,timestamp\n7,1,pixar,1\n8,1,fun,2\n9,1,fun,3\n"

BEHAVIORS = (
    "1\tU1\t11/12/2019 2:14:46 PM\tN1 N2\tN3-1 N2-0\n"
    "2\tU1\t11/11/2019 9:00:00 AM\tN1 N2\tN1-0 N3-1\n"
    "3\tU2\t11/13/2019 12:00:00 AM\t\tN1-1\n"
)
NEWS = (
    'N1\tsports\tsoccer\tA "goal"\tAn abstract.\thttp://x\t[]\t[]\n'
    "N2\tfinance\t\tBanks.\t\t\t[]\t[]\n"
    "N3\thealth\t\tRun\t\t\t[]\t[]\n"
)

REVIEWS = [
    {"overall": 5.0, "reviewerID": "A1", "asin": "B1", "unixReviewTime": BEGIN + 300, "reviewerName": "Somebody"},
    {"overall": 5.0, "reviewerID": "A1", "asin": "B1", "unixReviewTime": BEGIN + 300, "reviewerName": "Somebody"},
    {"overall": 1.0, "reviewerID": "A1", "asin": "B2", "unixReviewTime": BEGIN + 100},
    {"overall": 4.0, "reviewerID": "A2", "asin": "B9", "unixReviewTime": BEGIN + 200},
]
PRODUCTS = [
    {
        "asin": "B1",
        "title": "Card &amp; <b>box</b>",
        "brand": "Acme",
        "category": ["Gift Cards", "Boxes", "x"],
        "description": ["<div>Fine</div>", "card"],
    },
    {"asin": "B1", "title": "Again", "brand": "Acme", "category": [], "description": []},
    {"asin": "B2", "title": "var x = getTime", "brand": "", "category": [], "description": ""},
]

INVOICES = (
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    "1,85048,RED LAMP,12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom\n"
    "1,85048,RED LAMP,3,2009-12-01 07:45:00,6.95,13085.0,United Kingdom\n"
    "2,85048,LAMP RED,1,2009-12-01 00:00:01,6.95,13085.0,United Kingdom\n"
    '3,79323P,"CHERRY, LIGHTS",1,2009-12-02 00:00:00,2,13086.0,France\n'
    "4,79323P,,1,2009-12-03 00:00:00,2,,France\n"
    "C5,79323P,X,-1,2009-12-03 00:00:00,2,13086.0,France\n"
    "6,79323P,X,1,2009-12-03 00:00:00,0,13086.0,France\n"
    "7,POST,POSTAGE,1,2009-12-03 00:00:00,2,13086.0,France\n"
)

ARTISTS = 'id\tname\turl\tpictureURL\n1\tMALICE "MIZER"\tu\tp\n2\tбумбокс\tu\tp\n'
PLAYS = "userID\tartistID\tweight\r\n2\t2\t13883\r\n2\t1\t11690\r\n5\t1\t1\r\n"

ATOMIC_ITEMS = (
    "item_id:token\ttitle:token_seq\tprice:float\tgenre:token_seq\n"
    "0\tFire Emblem\t3.5\tRole Play\n1\tTetris\t1\t\n2\tPong\t\tBall\n"
)
ATOMIC_VALID = "user_id:token\titem_id_list:token_seq\titem_id:token\na\t0\t1\nb\t\t2\n"
ATOMIC_TEST = "user_id:token\titem_id_list:token_seq\titem_id:token\na\t0 1\t2\nb\t2\t0\n"
ATOMIC_PLAIN = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\na\t1\t4\t1500000020.0\na\t0\t5\t1500000010.0\n"
)


def write_zip(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_json_lines(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in records).encode()))
    return path


def movielens(folder: Path) -> Path:
    files = {"ml/movies.csv": MOVIES, "ml/ratings.csv": RATINGS, "ml/tags.csv": TAGS}
    return write_zip(folder / "ml.zip", files)


def mind(folder: Path) -> Path:
    return write_zip(folder / "mind.zip", {"behaviors.tsv": BEHAVIORS, "news.tsv": NEWS})


def amazon(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    write_json_lines(folder / "meta_Cards.json.gz", PRODUCTS)
    write_json_lines(folder / "Cards_5.json.gz", REVIEWS)
    return folder


def retail(folder: Path) -> Path:
    (folder / "sheet.csv.gz").write_bytes(gzip.compress(INVOICES.encode()))
    return folder / "sheet.csv.gz"


def lastfm(folder: Path) -> Path:
    return write_zip(folder / "lastfm.zip", {"artists.dat": ARTISTS, "user_artists.dat": PLAYS})


def recbole(folder: Path) -> Path:
    files = {"G/G.item": ATOMIC_ITEMS, "G/G.valid.inter": ATOMIC_VALID, "G/G.test.inter": ATOMIC_TEST}
    return write_zip(folder / "G.zip", files)


SOURCES = {
    "movielens": movielens,
    "mind": mind,
    "amazon-reviews": amazon,
    "uci-retail": retail,
    "lastfm": lastfm,
    "recbole": recbole,
}


def graft_client(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return run("graft-client", *arguments, seconds=60)
