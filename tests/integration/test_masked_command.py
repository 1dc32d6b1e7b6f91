"""A masked simulation from the command line, up to its report."""

from simulations.cli.main import app
from simulations.report.html_report import REPORT_FILE
from simulations.results.result_document import RESULT_FILE, read_result
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES


def test_a_masked_run_is_told_as_such_and_by_group(tmp_path) -> None:
    shops = [write_tiny_folder(tmp_path / name, users=120) for name in "abcdef"]
    platforms = [word for shop in shops for word in ("--platform", f"{shop.name}={shop}")]
    asked = ["--methods", "federated", "--source", "b", "--report", "a", "--rounds", "1", "--jobs", "1"]
    masked = ["--privacy", "masked", "--set", "robust=none", "--set", "min-platforms=3", "--set", "groups-of=3"]
    small = ["--encoder", "tiny", "--features", FEATURES]
    app(["run", *platforms, *asked, *masked, *small, "--out", str(tmp_path / "out")], standalone_mode=False)
    document = read_result(tmp_path / "out" / RESULT_FILE)
    groups = {"group-1 (c + d + e)", "group-2 (a + b + f)"}
    assert [one["kind"] for one in document["rounds"]] == ["moments", "training"]
    assert all(set(one["validation"]) == set(one["weights"]) == groups for one in document["rounds"])
    (who_helps,) = document["who_helps"]
    assert set(who_helps["linear"]) == groups
    assert set(who_helps["linear"]["group-1 (c + d + e)"]) == set("abcdef")
    assert "Privacy: masked. What left platforms was summed" in (tmp_path / "out" / REPORT_FILE).read_text("utf-8")
