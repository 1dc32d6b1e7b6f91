"""The bundle that is made from the installed packages is the one that the source tree describes."""

import tomllib
from pathlib import Path

from shared.federation.bundle import PACKAGES, app_description, write_bundle

ROOT = Path(__file__).parents[2]


def test_holds_every_production_module_byte_for_byte(tmp_path) -> None:
    app = write_bundle(tmp_path)
    found = {str(path.relative_to(app)): path.read_bytes() for path in app.rglob("*.py")}
    source = {str(path.relative_to(ROOT)): path.read_bytes() for one in PACKAGES for path in (ROOT / one).rglob("*.py")}
    assert "server/app.py" in found
    assert found == source


def test_is_described_as_in_the_source_tree() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = app_description()
    assert found["tool"]["flwr"] == described["tool"]["flwr"]
    assert found["project"] == {name: described["project"][name] for name in ("name", "version")}


def test_a_second_time_leaves_nothing_of_the_first(tmp_path) -> None:
    stale = write_bundle(tmp_path) / "server" / "stale.py"
    stale.write_text("")
    write_bundle(tmp_path)
    assert not stale.exists()
