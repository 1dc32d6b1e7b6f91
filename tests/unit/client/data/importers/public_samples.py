"""Invented rows in the exact form of each public data set: names of files, headers, quoting, times, encodings."""

import gzip
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

LATIN = "latin-1"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Files of a data set, and what comes of them."""

    command: str
    files: dict[str, str | bytes]
    events: list[tuple[object, ...]]
    """user_id, item_id, timestamp, rating"""
    texts: dict[object, str]
    """of each item"""


def lines(*records: object) -> str:
    """Records as JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def literals(*records: object) -> str:
    """Records as Python prints them."""
    return "".join(f"{record!r}\n" for record in records)


def workbook(*rows: tuple[object, ...]) -> bytes:
    """A workbook of one sheet as spreadsheets write it: texts are shared, an empty cell is left out."""
    texts = sorted({cell for row in rows for cell in row if isinstance(cell, str)})
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    shared = "".join(f"<si><t>{text.replace('&', '&amp;')}</t></si>" for text in texts)
    body = ""
    for number, row in enumerate(rows, 1):
        cells = [_cell(f"{chr(65 + place)}{number}", cell, texts) for place, cell in enumerate(row)]
        body += f'<row r="{number}">{"".join(cells)}</row>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{shared}</sst>')
        book.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
    return stream.getvalue()


def _cell(place: str, value: object, texts: list[str]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="s"><v>{texts.index(value)}</v></c>'
    return f'<c r="{place}" s="1"><v>{value}</v></c>'


def tar(files: dict[str, bytes]) -> bytes:
    """A tar of these files, packed by gzip."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def packed(text: str) -> bytes:
    """Gzipped UTF-8."""
    return gzip.compress(text.encode())


def written(sample: Sample, folder: Path) -> Path:
    """The files in a folder."""
    folder.mkdir()
    for name, content in sample.files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


_GENRES_100K = "|".join("1" if place in (3, 5) else "0" for place in range(19))
BEGIN = 1_500_000_000
_HASH = "00a0" * 10

SAMPLES = {
    "movielens 100K": Sample(
        command="movielens",
        files={
            "ml-100k/u.data": f"196\t242\t3\t{BEGIN}\n186\t302\t4\t{BEGIN + 5}\n",
            "ml-100k/u.item": (
                f"242|Café Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Story|{_GENRES_100K}\n"
                f"302|unknown||||1|{'|'.join('0' * 18)}\n"
            ).encode(LATIN),
        },
        events=[(186, 302, BEGIN + 5, 4.0), (196, 242, BEGIN, 3.0)],
        texts={242: "Café Story (1995). Animation, Comedy", 302: "unknown"},
    ),
    "movielens 1M": Sample(
        command="movielens",
        files={
            "ml-1m/ratings.dat": f"1::1193::5::{BEGIN}\n2::661::3::{BEGIN + 1}\n",
            "ml-1m/movies.dat": "661::Pêche (1996)::Drama\n1193::One: Two (1975)::Drama|War\n".encode(LATIN),
            "ml-1m/users.dat": "1::F::1::10::48067\n",
        },
        events=[(1, 1193, BEGIN, 5.0), (2, 661, BEGIN + 1, 3.0)],
        texts={661: "Pêche (1996). Drama", 1193: "One: Two (1975). Drama, War"},
    ),
    "movielens 10M": Sample(
        command="movielens",
        files={
            "ml-10M100K/ratings.dat": f"1::122::4.5::{BEGIN}\n1::185::0.5::{BEGIN + 1}\n",
            "ml-10M100K/movies.dat": "122::Boomerang (1992)::Comedy|Romance\n185::Café (1995)::Action\n",
            "ml-10M100K/tags.dat": f"15::185::quiet::{BEGIN}\n",
        },
        events=[(1, 122, BEGIN, 4.5), (1, 185, BEGIN + 1, 0.5)],
        texts={122: "Boomerang (1992). Comedy, Romance", 185: "Café (1995). Action. quiet"},
    ),
    "movielens 25M": Sample(
        command="movielens",
        files={
            "ml-25m/ratings.csv": f"userId,movieId,rating,timestamp\n1,296,5.0,{BEGIN}\n1,306,3.5,{BEGIN + 1}\n",
            "ml-25m/movies.csv": 'movieId,title,genres\n296,"Fiction, Pulp (1994)",Crime\n306,Red (1994),Drama\n',
            "ml-25m/links.csv": "movieId,imdbId,tmdbId\n296,1,1\n",
        },
        events=[(1, 296, BEGIN, 5.0), (1, 306, BEGIN + 1, 3.5)],
        texts={296: "Fiction, Pulp (1994). Crime", 306: "Red (1994). Drama"},
    ),
    "amazon 2014": Sample(
        command="amazon-reviews",
        files={
            "reviews_Baby_5.json.gz": packed(
                lines(
                    {
                        "reviewerID": "A1",
                        "asin": "0001",
                        "reviewerName": "N.",
                        "helpful": [0, 1],
                        "reviewText": "So",
                        "overall": 5.0,
                        "summary": "S",
                        "unixReviewTime": BEGIN,
                        "reviewTime": "07 14, 2017",
                    },
                    {"reviewerID": "A2", "asin": "0002", "overall": 2.0, "unixReviewTime": BEGIN + 86_400},
                )
            ),
            "meta_Baby.json.gz": packed(
                literals(
                    {"asin": "0001", "title": 'Baby\'s "cup"', "brand": "Acme", "categories": [["Baby", "Cups"]]},
                    {"asin": "0002", "categories": [["Baby"]], "price": 3.5, "salesRank": {"Baby": 7}},
                )
            ),
        },
        events=[("A1", "0001", BEGIN, 5.0), ("A2", "0002", BEGIN + 86_400, 2.0)],
        texts={"0001": 'Baby\'s "cup". Acme', "0002": "0002"},
    ),
    "amazon 2014 ratings": Sample(
        command="amazon-reviews",
        files={"ratings_Baby.csv": f"A1,0001,5.0,{BEGIN}\nA2,0002,2.0,{BEGIN + 86_400}\n"},
        events=[("A1", "0001", BEGIN, 5.0), ("A2", "0002", BEGIN + 86_400, 2.0)],
        texts={"0001": "0001", "0002": "0002"},
    ),
    "amazon 2018 ratings": Sample(
        command="amazon-reviews",
        files={"Gift_Cards.csv": f"0001,A1,5.0,{BEGIN}\n0002,A2,2.0,{BEGIN + 86_400}\n"},
        events=[("A1", "0001", BEGIN, 5.0), ("A2", "0002", BEGIN + 86_400, 2.0)],
        texts={"0001": "0001", "0002": "0002"},
    ),
    "amazon 2023": Sample(
        command="amazon-reviews",
        files={
            "All_Beauty.jsonl.gz": packed(
                lines(
                    {
                        "rating": 5.0,
                        "title": "Nice",
                        "text": "Text",
                        "images": [],
                        "asin": "B1",
                        "parent_asin": "P1",
                        "user_id": "AG",
                        "timestamp": BEGIN * 1000 + 500,
                        "helpful_vote": 0,
                        "verified_purchase": True,
                    }
                )
            ),
            "meta_All_Beauty.jsonl.gz": packed(
                lines(
                    {
                        "main_category": "All Beauty",
                        "title": "Comb",
                        "average_rating": 4.8,
                        "features": [],
                        "description": ["Fine ", "teeth"],
                        "price": None,
                        "images": [{"thumb": "t"}],
                        "store": "Howard",
                        "categories": [],
                        "details": {"Package": "1"},
                        "parent_asin": "P1",
                        "bought_together": None,
                    }
                )
            ),
        },
        events=[("AG", "P1", BEGIN + 0.5, 5.0)],
        texts={"P1": "Comb. Howard"},
    ),
    "amazon 2023 ratings": Sample(
        command="amazon-reviews",
        files={"All_Beauty.csv": f"user_id,parent_asin,rating,timestamp\nAG,P1,4.0,{BEGIN}000\nAH,P1,1.0,{BEGIN}001\n"},
        events=[("AG", "P1", BEGIN, 4.0), ("AH", "P1", BEGIN + 0.001, 1.0)],
        texts={"P1": "P1"},
    ),
    "retailrocket": Sample(
        command="retailrocket",
        files={
            "events.csv": (
                f"timestamp,visitorid,event,itemid,transactionid\n{BEGIN}000,257597,view,355908,\n"
                f"{BEGIN}500,257597,transaction,355908,1543\n"
            ),
            "item_properties_part1.csv": (
                f"timestamp,itemid,property,value\n{BEGIN}000,355908,categoryid,1338\n"
                f"{BEGIN}000,355908,400,n552.000 639502\n"
            ),
            "category_tree.csv": "categoryid,parentid\n1338,\n",
        },
        events=[(257597, 355908, BEGIN, 1.0), (257597, 355908, BEGIN + 0.5, 3.0)],
        texts={355908: "355908"},
    ),
    "yoochoose": Sample(
        command="yoochoose",
        files={
            "yoochoose-clicks.dat": "1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,S\n",
            "yoochoose-buys.dat": "1,2014-04-07T10:58:00.306Z,214536500,12462,1\n",
        },
        events=[
            (1, 214536502, 1396867869.277, 1.0),
            (1, 214536500, 1396868049.868, 1.0),
            (1, 214536500, 1396868280.306, 3.0),
        ],
        texts={214536502: "214536502", 214536500: "214536500"},
    ),
    "diginetica": Sample(
        command="diginetica",
        files={
            "train-item-views.csv": "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n",
            "train-purchases.csv": (
                "sessionId;userId;timeframe;eventdate;ordernumber;itemId\n1;NA;600000;2016-05-09;16421;81766\n"
            ),
            "products.csv": "itemId;pricelog2;product.name.tokens\n81766;10;4875,776,56689\n",
            "product-categories.csv": "itemId;categoryId\n81766;1096\n",
        },
        events=[(1, 81766, 1_462_752_000 + 526.309, 1.0), (1, 81766, 1_462_752_600, 3.0)],
        texts={81766: "4875,776,56689"},
    ),
    "otto": Sample(
        command="otto",
        files={
            "otto-recsys-train.jsonl": lines(
                {
                    "session": 0,
                    "events": [
                        {"aid": 1517085, "ts": BEGIN * 1000 + 25, "type": "clicks"},
                        {"aid": 1563459, "ts": BEGIN * 1000 + 1025, "type": "carts"},
                    ],
                },
                {"session": 1, "events": [{"aid": 1517085, "ts": BEGIN * 1000, "type": "orders"}]},
            )
        },
        events=[(0, 1517085, BEGIN + 0.025, 1.0), (0, 1563459, BEGIN + 1.025, 2.0), (1, 1517085, BEGIN, 3.0)],
        texts={1517085: "1517085", 1563459: "1563459"},
    ),
    "taobao": Sample(
        command="taobao",
        files={
            "UserBehavior.csv": "1,2268318,2520377,pv,1511544070\n1,2333346,2520771,buy,1511561733\n"
            "2,2268318,2520377,pv,-2134949234\n2,2333346,2520771,fav,2122867355\n"
        },
        events=[(1, 2268318, 1511544070, 1.0), (1, 2333346, 1511561733, 3.0)],
        texts={2268318: "2268318", 2333346: "2333346"},
    ),
    "lastfm 360K": Sample(
        command="lastfm-360k",
        files={
            "lastfm-dataset-360K.tar.gz": tar(
                {
                    "lastfm-dataset-360K/usersha1-artmbid-artname-plays.tsv": (
                        (f'{_HASH}\t3bd7\tbetty "b" blowtorch\t2137\n{_HASH}\t\tdie ärzte\t1099\n').encode()
                        + b"sep 20, 2008\t7ffd\ttimbaland\t3\n"
                    ),
                    "lastfm-dataset-360K/usersha1-profile.tsv": b"00\tf\t22\tGermany\tFeb 1, 2007\n",
                }
            )
        },
        events=[(_HASH, "3bd7", 0, 2137.0), (_HASH, "die ärzte", 1, 1099.0)],
        texts={"3bd7": 'betty "b" blowtorch', "die ärzte": "die ärzte"},
    ),
    "lastfm hetrec": Sample(
        command="lastfm",
        files={
            "artists.dat": "id\tname\turl\tpictureURL\n1\tMALICE\thttp://x\thttp://y\n",
            "user_artists.dat": "userID\tartistID\tweight\r\n2\t1\t13883\r\n",
        },
        events=[(2, 1, 0, 13883.0)],
        texts={1: "MALICE"},
    ),
    "book-crossing": Sample(
        command="book-crossing",
        files={
            "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\r\n"276725";"034545104X";"0"\r\n'
            '"276726";"0155061224";"5"\r\n',
            "BX-Books.csv": (
                '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S"\r\n'
                '"034545104X";"Flesh \\"Tones\\"; a Novel";"M. J. R\xe9";"2002";"B &amp; Co";"http://i"\r\n'
                '"0155061224";"Rites";"Judith";"2001";"H";"http://i"\r\n'
            ).encode(LATIN),
        },
        events=[(276725, "034545104X", 0, 0.0), (276726, "0155061224", 0, 5.0)],
        texts={"034545104X": 'Flesh "Tones"; a Novel. M. J. Ré. B & Co', "0155061224": "Rites. Judith. H"},
    ),
    "goodreads": Sample(
        command="goodreads",
        files={
            "goodreads_interactions_poetry.json.gz": packed(
                lines(
                    {
                        "user_id": "8842",
                        "book_id": "12345",
                        "review_id": "r",
                        "is_read": False,
                        "rating": 4,
                        "date_added": "Fri Jul 14 04:40:00 +0200 2017",
                        "date_updated": "Fri Jul 14 04:40:00 +0200 2017",
                        "read_at": "",
                        "started_at": "",
                    }
                )
            ),
            "goodreads_books_poetry.json.gz": packed(
                lines(
                    {
                        "book_id": "12345",
                        "title": "Verses",
                        "title_without_series": "Verses",
                        "authors": [{"author_id": "1", "role": ""}],
                        "publication_year": "1999",
                        "popular_shelves": [{"count": "3", "name": "to-read"}],
                    }
                )
            ),
        },
        events=[(8842, 12345, BEGIN, 4.0)],
        texts={12345: "Verses"},
    ),
    "goodreads table": Sample(
        command="goodreads",
        files={
            "goodreads_interactions.csv": "user_id,book_id,is_read,rating,is_reviewed\n0,948,1,5,0\n0,947,1,3,1\n",
            "book_id_map.csv": "book_id_csv,book_id\n948,100\n947,200\n",
            "goodreads_books.json.gz": packed(
                lines({"book_id": "100", "title": "A"}, {"book_id": "200", "title": "B"})
            ),
        },
        events=[(0, 100, 0, 5.0), (0, 200, 1, 3.0)],
        texts={100: "A", 200: "B"},
    ),
    "yelp": Sample(
        command="yelp",
        files={
            "yelp_dataset.tar": tar(
                {
                    "yelp_academic_dataset_review.json": lines(
                        {
                            "review_id": "r",
                            "user_id": "u-1",
                            "business_id": "b_1",
                            "stars": 3.0,
                            "useful": 0,
                            "text": "Ok",
                            "date": "2017-07-14 02:40:00",
                        }
                    ).encode(),
                    "yelp_academic_dataset_business.json": lines(
                        {
                            "business_id": "b_1",
                            "name": "Deli",
                            "city": "Goleta",
                            "categories": "Food, Delis",
                            "attributes": {"WiFi": "u'free'"},
                            "hours": None,
                        }
                    ).encode(),
                }
            )
        },
        events=[("u-1", "b_1", BEGIN, 3.0)],
        texts={"b_1": "Deli. Food, Delis. Goleta"},
    ),
    "steam reviews": Sample(
        command="steam-reviews",
        files={
            "steam_reviews.json.gz": packed(
                "{u'username': u'Chaos \"x\"', u'hours': 0.1, u'products': 41, u'product_id': u'725280', "
                "u'page_order': 0, u'date': u'2017-12-17', u'text': u'This isn\\'t', u'early_access': False}\n"
            ),
            "steam_games.json.gz": packed(
                "{u'publisher': u'K', u'genres': [u'Action', u'Indie'], u'app_name': u\"Lost's\", u'title': u'L', "
                "u'release_date': u'Soon..', u'id': u'725280', u'developer': u'K'}\n{u'app_name': u'no id'}\n"
            ),
        },
        events=[('Chaos "x"', 725280, 17_517 * 86_400, 1.0)],
        texts={725280: "Lost's. Action, Indie. K"},
    ),
    "hm": Sample(
        command="hm",
        files={
            "transactions_train.csv": (
                "t_dat,customer_id,article_id,price,sales_channel_id\n"
                "2018-09-20,000058a1,0663713001,0.050830508474576264,2\n"
            ),
            "articles.csv": (
                "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,"
                "colour_group_name,section_name,detail_desc\n"
                '0663713001,0663713,Atlanta,9,Body,Underwear,Black,Ladies,"Lace body, lined."\n'
            ),
            "customers.csv": "customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code\n",
        },
        events=[("000058a1", "0663713001", 17_794 * 86_400, 1.0)],
        texts={"0663713001": "Atlanta. Body. Black. Lace body, lined"},
    ),
    "instacart": Sample(
        command="instacart",
        files={
            "orders.csv": (
                "order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order\n"
                "2539329,1,prior,1,2,08,\n2398795,1,train,2,3,07,15.0\n9,1,test,3,3,07,3.0\n"
            ),
            "order_products__prior.csv": "order_id,product_id,add_to_cart_order,reordered\n2539329,196,1,0\n",
            "order_products__train.csv": "order_id,product_id,add_to_cart_order,reordered\n2398795,196,1,1\n",
            "products.csv": 'product_id,product_name,aisle_id,department_id\n196,"Soda, 6""",77,7\n',
            "aisles.csv": "aisle_id,aisle\n77,soft drinks\n",
            "departments.csv": "department_id,department\n7,beverages\n",
        },
        events=[(1, 196, 1_483_228_800 + 8 * 3600, 1.0), (1, 196, 1_483_228_800 + 15 * 86_400 + 7 * 3600, 1.0)],
        texts={196: 'Soda, 6". soft drinks'},
    ),
    "online retail I": Sample(
        command="uci-retail",
        files={
            "Online Retail.xlsx": workbook(
                (
                    "InvoiceNo",
                    "StockCode",
                    "Description",
                    "Quantity",
                    "InvoiceDate",
                    "UnitPrice",
                    "CustomerID",
                    "Country",
                ),
                (536365, "85123A", "WHITE & HOLDER", 6, 40513.35138888889, 2.5499999999999998, 17850, "United Kingdom"),
                (536366, 71053, "LANTERN", 2, 40513.5, 3.39, None, "United Kingdom"),
                ("C536379", 71053, "LANTERN", -1, 40513.6, 3.39, 17850, "United Kingdom"),
            )
        },
        events=[(17850, "85123A", 14_944 * 86_400 + 8 * 3600 + 26 * 60, 6.0)],
        texts={"85123A": "white & holder"},
    ),
    "recbole sessions": Sample(
        command="recbole",
        files={
            "diginetica.inter": (
                f"session_id:token\tproduct:token\ttime:float\n1\t33043\t{BEGIN}\n1\t12352\t{BEGIN + 1}\n"
            )
        },
        events=[("1", "33043", BEGIN, 1.0), ("1", "12352", BEGIN + 1, 1.0)],
        texts={"33043": "33043", "12352": "12352"},
    ),
}
