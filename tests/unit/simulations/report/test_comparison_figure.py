"""Several runs beside a first one, as a picture and by the command."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.errors import ConfigError
from simulations.cli.main import app
from simulations.report.comparison import compare
from simulations.report.comparison_figure import write_picture
from tests.unit.simulations.finished_runs import write_run

HIGH, LOW = [0.5, 0.6, 0.7, 0.8] * 5, [0.1, 0.2, 0.3, 0.2] * 5


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    values = {"before": LOW, "after": HIGH, "again": LOW}
    return [
        write_run(tmp_path / name, {("shop", "local", 0): ndcg, ("films", "local", 0): LOW})
        for name, ndcg in values.items()
    ]


def test_draws_each_run_on_each_platform(runs: list[Path], tmp_path: Path) -> None:
    first, *others = runs
    write_picture([compare(first, other) for other in others], tmp_path / "picture.svg")
    root = ET.parse(tmp_path / "picture.svg").getroot()  # noqa: S314 (our own)
    texts = {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"shop", "films", "after", "again", "local", "NDCG@10 less that of before"} <= texts


def test_a_picture_has_a_form_that_is_known_and_a_place(runs: list[Path], tmp_path: Path) -> None:
    comparisons = [compare(*runs[:2])]
    with pytest.raises(ConfigError, match=r"a picture must end in \.png, \.svg, \.pdf"):
        write_picture(comparisons, tmp_path / "picture.bmp")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_picture(comparisons, tmp_path / "nowhere" / "picture.png")


def test_the_command_takes_several_and_draws_them(runs: list[Path], tmp_path: Path) -> None:
    places = list(map(str, runs))
    several = CliRunner().invoke(app, ["compare", *places, "--json", "--picture", str(tmp_path / "p.png")])
    assert several.exit_code == 0
    assert [Path(told["second"]).name for told in json.loads(several.stdout)] == ["after", "again"]
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    two = CliRunner().invoke(app, ["compare", *places[:2], "--json"])
    assert json.loads(two.stdout)["second"] == places[1]
    table = CliRunner().invoke(app, ["compare", *places, "--markdown"])
    assert table.stdout.count("\nsecond: ") == 2
