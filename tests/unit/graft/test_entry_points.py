"""The programs and ``import graft`` work with Graft's own packages or say whose stand in the way."""

import subprocess
import sys
from pathlib import Path

import pytest

import graft
from graft import entry_points

ROOT = Path(__file__).parents[3]


def python(code: str, *first: Path) -> subprocess.CompletedProcess[str]:
    """Run with ``first`` before Graft's own folder on the path."""
    path = ":".join(map(str, [*first, ROOT]))
    return subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, env={"PYTHONPATH": path}, check=False
    )


def test_all_packages_are_graft_s_own() -> None:
    assert entry_points.foreign_package() == ""


@pytest.mark.parametrize("name", entry_points.PACKAGES)
@pytest.mark.parametrize("form", ["package", "module", "folder"])
def test_a_package_of_another_project_is_named_and_ends_with_2(name: str, form: str, tmp_path: Path) -> None:
    place = tmp_path / (f"{name}.py" if form == "module" else name)
    if form == "module":
        place.write_text("", "utf-8")
    else:
        place.mkdir()
        (place / ("__init__.py" if form == "package" else "notes.txt")).write_text("", "utf-8")
    ended = python("from graft.entry_points import client; client()", tmp_path)
    if form == "folder":  # a folder without __init__.py stands behind a package further on the path
        assert "graft-client:" not in ended.stderr
        return
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"expected Graft's own package {name!r} at {ROOT / name}, found {place}" in ended.stderr


def test_import_graft_is_light_and_names_what_stands_in_the_way(tmp_path: Path) -> None:
    light = python("import sys, graft; print('torch' in sys.modules, 'polars' in sys.modules)")
    assert light.stdout.split() == ["False", "False"]
    (tmp_path / "client.py").write_text("", "utf-8")
    ended = python("import graft\ntry:\n    graft.fit\nexcept ImportError as error:\n    print(error)", tmp_path)
    assert "found " + str(tmp_path / "client.py") in ended.stdout


def test_every_name_is_there_and_no_other() -> None:
    for name in dir(graft):
        assert getattr(graft, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        graft.fitt  # noqa: B018
