#!/usr/bin/env bash
# typer 0.20 with click 8.5: what is said of an argument does not stand in --help.
# Expected: typer admits every click from 8.0 on, and shows help of arguments as of options.
# Found: with click 8.5 the line of an argument lacks its text, without a warning; options keep theirs.
# What to do: click below 8.5 beside typer 0.20, to which Flower 1.42 holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'typer==0.20.*' 'click==8.5.*'
venv/bin/python -I - <<'END'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PROGRAM = """
from typing import Annotated
import typer

def main(
    folder: Annotated[str, typer.Argument(help="Where events lie.")],
    name: Annotated[str, typer.Option(help="Who asks.")] = "me",
) -> None: ...

typer.run(main)
"""
Path("program.py").write_text(PROGRAM)
shown = subprocess.run([sys.executable, "program.py", "--help"], capture_output=True, text=True, check=True).stdout
print("typer", version("typer"), "click", version("click"))
print(shown)
lost = "Where events lie." not in shown and "Who asks." in shown
sys.exit(0 if lost else "the behaviour changed")
END
