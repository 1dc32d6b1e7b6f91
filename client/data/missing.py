"""Words that stand where a value is missing, as pandas, R and databases write them."""

import polars as pl

MISSING = ("NA", "N/A", "n/a", "<NA>", "nan", "NaN", "null", "NULL", "None", "\\N")


def present(ids: pl.Expr) -> pl.Expr:
    """The ids, null where one is empty or a word for a missing value, blanks around it aside."""
    return pl.when(~ids.str.strip_chars().is_in(("", *MISSING))).then(ids)


def present_texts(texts: pl.Series) -> pl.Series:
    """The texts, empty where one is a word for a missing value, blanks around it aside."""
    word = pl.col(texts.name).str.strip_chars().is_in(MISSING)
    return texts.to_frame().select(pl.when(word).then(pl.lit("")).otherwise(texts.name).alias(texts.name)).to_series()
