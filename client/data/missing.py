"""Words that stand where a value is missing, as pandas, R, spreadsheets, databases and JavaScript write them."""

import polars as pl

MISSING = (
    *("NA", "<NA>", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A"),
    *("nan", "NaN", "-nan", "-NaN", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "NaT"),
    *("null", "Null", "NULL", "(null)", "none", "None", "NONE", "undefined", "\\N"),
)
"""In the case in which they are written: ``na`` is a country, ``NAN`` an airport, ``nat`` somebody's name."""
_ABSENT = frozenset(("", *MISSING))


def is_missing(text: str) -> bool:
    """Whether a text is empty or a word for a missing value, blanks around it aside."""
    return text.strip() in _ABSENT


def present(ids: pl.Expr) -> pl.Expr:
    """The ids, null where one is empty or a word for a missing value, blanks around it aside."""
    return pl.when(~ids.str.strip_chars().is_in(_ABSENT)).then(ids)


def present_texts(texts: pl.Series) -> pl.Series:
    """The texts, empty where one is a word for a missing value, blanks around it aside."""
    word = pl.col(texts.name).str.strip_chars().is_in(MISSING)
    return texts.to_frame().select(pl.when(word).then(pl.lit("")).otherwise(texts.name).alias(texts.name)).to_series()
