#!/usr/bin/env bash
# polars: the format %f reads a fraction of a second as a number of nanoseconds, however many digits it has.
# Expected: "%S.%f" reads 05.900 as 5.9 seconds, as Python's strptime does, of which the other codes are known.
# Found: it is 5 seconds and 900 nanoseconds, of which nothing is left in microseconds: what happened within a second
# loses its order. A warning says to use %.f; the value is there all the same.
# What to do: "%S%.f", which reads any number of digits as a fraction, or "%S.%3f" for exactly three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'polars==2.1.*'
venv/bin/python -I - <<'END'
import sys
import warnings
from datetime import datetime

import polars as pl

warnings.simplefilter("ignore")
print("polars", pl.__version__)
text = "2024-03-05 06:07:08.900"
python = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
found = {}
for code in ("%S.%f", "%S%.f", "%S.%3f"):
    read = pl.Series([text]).str.to_datetime(f"%Y-%m-%d %H:%M:{code}", time_unit="ns")
    found[code] = int(read.dt.nanosecond()[0])
    print(f"{text} by {code}: {found[code]:,} nanoseconds after the second")
print(f"Python's strptime by %S.%f: {python.microsecond * 1000:,}")
sys.exit(0 if found == {"%S.%f": 900, "%S%.f": 900_000_000, "%S.%3f": 900_000_000} else "the behaviour changed")
END
