"""What each public data set gives, in its true form."""

from pathlib import Path

import pytest

from client.data.check import check_folder
from client.data.importers.table import IMPORTERS, import_platform
from client.data.source import read_folder
from tests.unit.client.data.importers import raw
from tests.unit.client.data.importers.public_samples import SAMPLES, written


@pytest.mark.parametrize("name", SAMPLES)
def test_reads_events_and_texts_of(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    source, out = written(sample, tmp_path / "in"), tmp_path / "out"
    import_platform(IMPORTERS[sample.command].read, (source,), out)
    folder = read_folder(out, "seconds")
    assert folder.events.select("user_id", "item_id", "timestamp", "rating").rows() == sample.events
    assert dict(folder.items.select("item_id", "text").rows()) == sample.texts
    assert {one.kind for one in check_folder(out).violations} <= {"few-events", "few-items"}


def test_every_format_has_a_sample_and_a_row_in_the_documents() -> None:
    tried = {sample.command for sample in SAMPLES.values()} | set(raw.SOURCES) | {"csv", "sql"}
    assert tried == {*IMPORTERS, "sql"}
    page = (raw.REPOSITORY / "docs" / "formats.md").read_text("utf-8")
    assert [name for name in tried if f"| `{name}` |" not in page] == []
