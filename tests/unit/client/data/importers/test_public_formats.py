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


def test_reads_the_histories_alone_of_minds_test_part(tmp_path: Path) -> None:
    behaviors = "1\tU1\t11/22/2019 2:14:46 PM\tN1 N2\tN3 N2\n2\tU2\t11/22/2019 3:00:00 AM\t\tN1\n"
    source = raw.write_zip(tmp_path / "MINDlarge_test.zip", {"behaviors.tsv": behaviors, "news.tsv": raw.NEWS})
    done = import_platform(IMPORTERS["mind"].read, (source,), tmp_path / "out")
    assert done.events.select("user_id", "item_id").rows() == [("U1", "N1"), ("U1", "N2")]
    assert done.impressions is None
    assert "2 impressions tell no clicks (the test part): of them the history is read" in done.notes
    labelled = raw.write_zip(tmp_path / "MINDlarge_dev.zip", {"behaviors.tsv": raw.BEHAVIORS, "news.tsv": raw.NEWS})
    both = import_platform(IMPORTERS["mind"].read, (source, labelled), tmp_path / "both")
    assert both.impressions is not None
    assert both.impressions["labels"].list.len().min() == 1


def test_reads_a_line_of_book_crossing_that_holds_a_field_fewer_as_far_as_it_goes(tmp_path: Path) -> None:
    sample = SAMPLES["book-crossing"]
    source = written(sample, tmp_path / "in")
    with (source / "BX-Books.csv").open("a", encoding="latin-1", newline="") as books:
        books.write('"078946697X";"How It Began\\";Michael";"2000";"DK";"http://i"\r\n')
    with (source / "BX-Book-Ratings.csv").open("a", newline="") as ratings:
        ratings.write('"276726";"078946697X";"7"\r\n')
    done = import_platform(IMPORTERS["book-crossing"].read, (source,), tmp_path / "out")
    assert dict(done.items.select("item_id", "title").rows())["078946697X"] == 'How It Began";Michael'


def test_every_format_has_a_sample_and_a_row_in_the_documents() -> None:
    tried = {sample.command for sample in SAMPLES.values()} | set(raw.SOURCES) | {"csv", "sql"}
    assert tried == {*IMPORTERS, "sql"}
    page = (raw.REPOSITORY / "docs" / "formats.md").read_text("utf-8")
    assert [name for name in tried if f"| `{name}` |" not in page] == []
