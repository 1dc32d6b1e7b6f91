"""A supervisor outlives whatever its duties raise, and says in its report what fails."""

import pytest

from shared.errors import ConfigError
from shared.system.processes import supervision
from shared.system.processes.supervision import Supervision


@pytest.mark.parametrize("error", [ConfigError("a damaged file"), ValueError("not JSON"), OSError(28, "No space left")])
def test_goes_on_with_its_programs_and_reports_the_trouble(tmp_path, monkeypatch, error):
    monkeypatch.setattr(supervision, "TICK_SECONDS", 0.0)
    one = Supervision(what="the server", state=tmp_path, logs=tmp_path)
    reports = []

    def each_tick(_processes):
        if len(reports) in {2, 3}:
            raise error
        return {"tick": len(reports)}

    def stopping():
        reports.append(one.report())
        return len(reports) == 6

    one.serve(list, each_tick=each_tick, stopping=stopping, log_bytes=1)
    assert [bool(report.get("troubles")) for report in reports] == [False, False, True, True, False, False]
    assert [report.get("tick") for report in reports] == [None, 1, 1, 1, 4, 5]
