"""The public data sets that a table of forms describes; docs/formats.md says where each comes from."""

import html
from dataclasses import replace

import polars as pl

from client.data.importers.described import Described
from client.data.importers.form import Form, Names
from client.data.importers.text_blocks import TSV, Dialect
from client.data.importers.text_table import TextTable

_SEMICOLON = Dialect(separator=";", quote='"')
_WRAPPED = Dialect(separator='";"', quote=None, wrapped=True)
"""Each field in quotation marks, one within a field behind a backslash."""
VIEW, CART, BUY = 1.0, 2.0, 3.0
"""What an event is rated where a data set tells several kinds: min-rating=3 keeps what was bought."""
_KINDS_NOTE = "views are rated 1, carts and favourites 2, purchases 3: min-rating says which count"
_ORDER_NOTE = "the source tells no times: the order is that of its rows (use order=none)"


def _retail_properties(table: TextTable) -> TextTable:
    """The rows that say an item's category."""
    return table.filter(table.texts("property") == "categoryid")


_RETAILROCKET = Described(
    summary="RetailRocket: events.csv, optional item_properties_part1.csv and part2.",
    events=(
        Form(
            files=("events.csv",),
            columns={"user_id": "visitorid", "item_id": "itemid", "timestamp": "timestamp", "rating": "event"},
            levels={"view": VIEW, "addtocart": CART, "transaction": BUY},
        ),
    ),
    items=(
        Form(
            files=("item_properties*.csv",),
            columns={"item_id": "itemid", "category": "value"},
            prepare=_retail_properties,
        ),
    ),
    notes=(_KINDS_NOTE, "texts of items are hashed by the source: only their category is read"),
)
_YOOCHOOSE = Described(
    summary="Yoochoose (RecSys Challenge 2015): yoochoose-clicks.dat and yoochoose-buys.dat; a session is a user.",
    events=(
        Form(
            files=("yoochoose-clicks.dat", "yoochoose-test.dat"),
            header=("session", "time", "item", "category"),
            columns={"user_id": "session", "item_id": "item", "timestamp": "time", "category": "category"},
            rating=VIEW,
        ),
        Form(
            files=("yoochoose-buys.dat",),
            header=("session", "time", "item", "price", "quantity"),
            columns={"user_id": "session", "item_id": "item", "timestamp": "time"},
            rating=BUY,
        ),
    ),
    notes=(_KINDS_NOTE,),
    counts_time=False,
)


def _diginetica_users(table: TextTable) -> TextTable:
    """The session in the place of the user: few users are known, and each of theirs is one session or a few."""
    name = next(
        (column for column in ("sessionId", "session_id", "SessionId") if column in table.rows.columns), "sessionId"
    )
    table.require(name)
    return replace(table, rows=table.rows.rename({name: "session"}))


_DIGINETICA_COLUMNS: dict[str, Names] = {
    "user_id": "session",
    "item_id": ("itemId", "item_id", "ItemId"),
    "timestamp": ("eventdate", "event_date", "EventDate"),
    "milliseconds_later": ("timeframe", "time_frame", "TimeFrame"),
}
_DIGINETICA = Described(
    summary="Diginetica (CIKM Cup 2016): train-item-views.csv, optional train-purchases.csv, products.csv, "
    "product-categories.csv; a session is a user.",
    events=(
        Form(
            files=("train-item-views.csv",),
            dialect=_SEMICOLON,
            columns=_DIGINETICA_COLUMNS,
            rating=VIEW,
            prepare=_diginetica_users,
        ),
        Form(
            files=("train-purchases.csv",),
            dialect=_SEMICOLON,
            columns=_DIGINETICA_COLUMNS,
            rating=BUY,
            prepare=_diginetica_users,
        ),
    ),
    items=(
        Form(
            files=("products.csv",),
            dialect=_SEMICOLON,
            columns={"item_id": ("itemId", "item_id"), "text": "product.name.tokens"},
        ),
        Form(
            files=("product-categories.csv",),
            dialect=_SEMICOLON,
            columns={"item_id": ("itemId", "item_id"), "category": ("categoryId", "category_id")},
        ),
    ),
    notes=(_KINDS_NOTE, "words of products are hashed by the source: they match words of no other platform"),
    counts_time=False,
)
_TAOBAO = Described(
    summary="Taobao UserBehavior: UserBehavior.csv (no header).",
    events=(
        Form(
            files=("UserBehavior*.csv",),
            header=("user", "item", "category", "behavior", "time"),
            columns={
                "user_id": "user",
                "item_id": "item",
                "timestamp": "time",
                "rating": "behavior",
                "category": "category",
            },
            levels={"pv": VIEW, "cart": CART, "fav": CART, "buy": BUY},
            between=(1_511_539_200, 1_512_316_799),  # 2017-11-25 to 2017-12-03 in China
        ),
    ),
    notes=(_KINDS_NOTE,),
)


def _artists(table: TextTable) -> TextTable:
    """The artist's MusicBrainz id, or the name where there is none; without the lines whose user is a date."""
    table = table.filter(table.texts("user").str.contains("^[0-9a-f]{40}$"))
    ids = pl.when(pl.col("mbid").fill_null("") != "").then("mbid").otherwise("name")
    return replace(table, rows=table.rows.with_columns(artist=ids))


_LASTFM_360K = Described(
    summary="Last.fm 360K: usersha1-artmbid-artname-plays.tsv (no header, no time).",
    events=(
        Form(
            files=("usersha1-artmbid-artname-plays.tsv",),
            dialect=TSV,
            header=("user", "mbid", "name", "plays"),
            columns={"user_id": "user", "item_id": "artist", "rating": "plays", "text": "name", "title": "name"},
            no_time=True,
            prepare=_artists,
        ),
    ),
    notes=(_ORDER_NOTE, "lines whose user is no hash, but a date, are left out"),
    counts_time=False,
)


def _unescaped(table: TextTable) -> TextTable:
    r"""Texts with ``"`` for ``\"`` and without HTML's names for characters."""
    texts = [name for name in ("Book-Title", "Book-Author", "Publisher") if name in table.rows.columns]
    plain = {name: [_plain(text) for text in table.rows[name]] for name in texts}
    return replace(table, rows=table.rows.with_columns(pl.Series(name, plain[name], dtype=pl.String) for name in texts))


def _plain(text: str | None) -> str | None:
    return None if text is None else html.unescape(text.replace('\\"', '"'))


_BOOKS = {
    "item_id": "ISBN",
    "text": "Book-Title+Book-Author+Publisher",
    "title": "Book-Title",
    "author": "Book-Author",
    "year": "Year-Of-Publication",
}
_BOOK_RATINGS = {"user_id": "User-ID", "item_id": "ISBN", "rating": "Book-Rating"}
_LATIN = ("utf-8", "latin-1")
_BOOK_CROSSING = Described(
    summary="Book-Crossing: BX-Book-Ratings.csv and BX-Books.csv, or Ratings.csv and Books.csv (no time).",
    events=(
        Form(
            files=("BX-Book-Ratings.csv",),
            dialect=_WRAPPED,
            encodings=_LATIN,
            columns=_BOOK_RATINGS,
            no_time=True,
        ),
        Form(files=("Ratings.csv",), encodings=_LATIN, columns=_BOOK_RATINGS, no_time=True),
    ),
    items=(
        Form(
            files=("BX-Books.csv", "BX_Books.csv"),
            dialect=_WRAPPED,
            encodings=_LATIN,
            columns=_BOOKS,
            prepare=_unescaped,
        ),
        Form(files=("Books.csv",), encodings=_LATIN, columns=_BOOKS, prepare=_unescaped),
    ),
    notes=(_ORDER_NOTE, "a rating of 0 means that somebody has the book and did not rate it: min-rating=0 keeps these"),
    counts_time=False,
)
_YELP = Described(
    summary="Yelp Open Dataset: yelp_academic_dataset_review.json and yelp_academic_dataset_business.json.",
    events=(
        Form(
            files=("yelp_academic_dataset_review.json", "review.json"),
            columns={"user_id": "user_id", "item_id": "business_id", "timestamp": "date", "rating": "stars"},
        ),
    ),
    items=(
        Form(
            files=("yelp_academic_dataset_business.json", "business.json"),
            columns={
                "item_id": "business_id",
                "text": "name+categories+city",
                "title": "name",
                "category": "categories",
                "city": "city",
            },
        ),
    ),
    counts_time=False,
)
_STEAM = Described(
    summary="Steam reviews (UCSD): steam_reviews.json.gz and steam_games.json.gz.",
    events=(
        Form(
            files=("steam_reviews.json", "steam_new.json"),
            columns={"user_id": "username", "item_id": "product_id", "timestamp": "date"},
        ),
    ),
    items=(
        Form(
            files=("steam_games.json",),
            columns={
                "item_id": "id",
                "text": "app_name+genres+developer",
                "title": ("app_name", "title"),
                "category": "genres",
                "developer": "developer",
            },
            prepare=lambda table: table.filter(table.texts("id") != ""),
        ),
    ),
    notes=("every review counts as rated 1: the source says no score",),
    counts_time=False,
)
_HM = Described(
    summary="H&M (Kaggle): transactions_train.csv and articles.csv.",
    events=(
        Form(
            files=("transactions_train.csv",),
            columns={"user_id": "customer_id", "item_id": "article_id", "timestamp": "t_dat"},
        ),
    ),
    items=(
        Form(
            files=("articles.csv",),
            columns={
                "item_id": "article_id",
                "text": "prod_name+product_type_name+colour_group_name+detail_desc",
                "title": "prod_name",
                "category": "product_group_name",
                "colour": "colour_group_name",
                "section": "section_name",
            },
        ),
    ),
    notes=("of each purchase the day is known alone",),
    counts_time=False,
)

FORMATS = {
    "retailrocket": _RETAILROCKET,
    "yoochoose": _YOOCHOOSE,
    "diginetica": _DIGINETICA,
    "taobao": _TAOBAO,
    "lastfm-360k": _LASTFM_360K,
    "book-crossing": _BOOK_CROSSING,
    "yelp": _YELP,
    "steam-reviews": _STEAM,
    "hm": _HM,
}
"""Name of the command -> the data set."""
