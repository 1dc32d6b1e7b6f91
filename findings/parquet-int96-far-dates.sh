#!/usr/bin/env bash
# Parquet: a time that Spark writes by default (INT96), such as 9999-12-31 for "no end", is read as one in 1816 or 2262.
# Expected: the date that was written, or an error, since the file holds it whole (days and nanoseconds of a day).
# Found: pyarrow, and with it pandas and dask, make 64 bits of nanoseconds of it, which wrap around: 1816-03-29, before
# every other time, without a warning. polars stops at the last such number: 2262-04-11.
# What to do: with pyarrow, coerce_int96_timestamp_unit="us"; in Spark, spark.sql.parquet.outputTimestampType =
# TIMESTAMP_MICROS before writing, which all of them read as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'polars==2.1.*' 'pyarrow==26.0.*'
venv/bin/python -I - <<'END'
import sys
from datetime import datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

print("polars", pl.__version__, "pyarrow", pa.__version__)
written = datetime(9999, 12, 31)
table = pa.table({"until": pa.array([written], pa.timestamp("us"))})
pq.write_table(table, "spark.parquet", use_deprecated_int96_timestamps=True, store_schema=False)  # as Spark
print("given:", written, "as", pq.ParquetFile("spark.parquet").schema.column(0).physical_type)
plain = pq.read_table("spark.parquet")["until"].cast(pa.timestamp("us"), safe=False)[0].as_py()
coerced = pq.read_table("spark.parquet", coerce_int96_timestamp_unit="us")["until"][0].as_py()
polars = pl.read_parquet("spark.parquet")["until"].dt.cast_time_unit("us")[0]
print("pyarrow:", plain)
print("pyarrow, coerce_int96_timestamp_unit=us:", coerced)
print("polars:", polars)
days = [time.date().isoformat() for time in (plain, coerced, polars)]
sys.exit(0 if days == ["1816-03-29", "9999-12-31", "2262-04-11"] else "the behaviour changed")
END
