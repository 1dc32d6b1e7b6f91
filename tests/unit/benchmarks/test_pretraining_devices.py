from benchmarks.pretraining_devices import positions_a_second, verdict
from client.data.folder_options import Preparation
from client.features.prepared_platform import open_platform
from tests.integration.engine_world import write_platform


def test_counts_positions_of_a_platform(tmp_path):
    write_platform(tmp_path / "shop", seed=0)
    prepared = open_platform(tmp_path / "shop", Preparation(), seed=0, features="hashing:64")
    assert 100 < positions_a_second(prepared, "tiny", "cpu", 1, 0) < 1e7


def test_says_whether_the_bar_is_reached():
    assert verdict(100.0, 1600.0, 15.0) == ("Reached: at least 15 times the cores; it is 16.0.", False)
    assert verdict(100.0, 1400.0, 15.0) == ("Missed: at least 15 times the cores; it is 14.0.", True)


def test_says_that_it_was_skipped_without_a_gpu():
    said, missed = verdict(100.0, None, 15.0)
    assert said.startswith("Skipped: ")
    assert not missed
