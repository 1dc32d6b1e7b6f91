"""What is made of options and committed is as the options say."""

import shutil
from pathlib import Path

import pytest

from shared.errors import ConfigError
from simulations.config.generated import ROOT, different, generated_files


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for path in (*generated_files(ROOT), ROOT / ".mdformat.toml"):
        place = tmp_path / path.relative_to(ROOT)
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)
    return tmp_path


def test_is_as_the_options_say() -> None:
    assert different(ROOT) == []


def test_names_the_file_in_which_a_default_was_changed(copy: Path) -> None:
    assert different(copy) == []
    project, page = copy / "pyproject.toml", copy / "docs" / "run-values.md"
    project.write_text(project.read_text("utf-8").replace("\nrounds = 12\n", "\nrounds = 13\n"), "utf-8")
    assert different(copy) == [project]
    page.write_text(page.read_text("utf-8").replace("`local-steps` | 10", "`local-steps` | 11"), "utf-8")
    assert different(copy) == [project, page]


def test_wants_a_place_for_each_table(copy: Path) -> None:
    (copy / "docs" / "run-values.md").write_text("no marks", "utf-8")
    with pytest.raises(ConfigError, match="expected one place"):
        generated_files(copy)
