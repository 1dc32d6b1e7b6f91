"""The page of a run's values names all that there are, with the defaults that they have."""

from pathlib import Path

from shared.federation.config import RoundsConfig

PAGE = Path(__file__).parents[2] / "docs" / "run-values.md"


def as_written(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:g}"


def test_every_value_stands_in_the_table_with_its_default() -> None:
    rows = [line.split("|")[1:3] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    written = {key.strip(" `"): default.strip() for key, default in rows}
    assert len(written) == len(rows)
    assert written == {key: as_written(value) for key, value in RoundsConfig().to_run_config().items()}
