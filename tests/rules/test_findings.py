"""A finding stands alone: a folder that it removes, pinned packages, nothing of ours, a failure where it is over."""

import re
import subprocess
from pathlib import Path

import pytest

FINDINGS = sorted((Path(__file__).parents[2] / "findings").iterdir())
START = """
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet """
OURS = re.compile(
    r"^\s*(?:from|import) (?:client|server|shared|simulations|tests)\b|graft", re.MULTILINE | re.IGNORECASE
)


def test_finds_the_findings() -> None:
    assert len(FINDINGS) > 8


@pytest.mark.parametrize("script", FINDINGS, ids=lambda script: script.stem)
class TestFinding:
    def test_says_what_was_expected_what_was_found_and_what_to_do(self, script: Path) -> None:
        shebang, *lines = script.read_text("utf-8").split("\nset -euo")[0].splitlines()
        assert shebang == "#!/usr/bin/env bash"
        assert all(line.startswith("# ") for line in lines)
        assert re.search(r"Expected: .*Found: .*What to do: ", " ".join(line[2:] for line in lines))

    def test_installs_pinned_packages_in_a_folder_that_it_removes(self, script: Path) -> None:
        assert START in script.read_text("utf-8")
        pins = script.read_text("utf-8").split(START)[1].splitlines()[0].split()
        assert [pin for pin in pins if not re.fullmatch(r"'[a-z-]+==[\d.]+\*'", pin)] == []

    def test_runs_without_this_project(self, script: Path) -> None:
        assert OURS.findall(script.read_text("utf-8")) == []
        assert "venv/bin/python -I - <<'END'\n" in script.read_text("utf-8")

    def test_prints_the_version_and_fails_where_it_is_over(self, script: Path) -> None:
        content = script.read_text("utf-8")
        assert re.search(r"^print\(\"[a-z-]+\", (version\(|\w+\.__version__)", content, re.MULTILINE)
        assert 'else "the behaviour changed")\nEND\n' in content

    def test_is_a_script_that_runs(self, script: Path) -> None:
        assert script.suffix == ".sh"
        assert script.stat().st_mode & 0o111
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
