"""Four devices join a coordinator over TLS and take part in masked rounds; one is killed and nothing is lost.

Sums without noise differ by K devices or by none: the three that are left are summed again.
"""

from dataclasses import replace

import pytest

from client.joined.home import JoinedHome
from shared.encoder.file import load_encoder
from tests.integration.commands import run
from tests.integration.deployed.fleet import fleet, over_devices

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_devices_finish_rounds_and_a_killed_one_comes_back(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "machine"))
    with fleet(tmp_path, 4, least=3) as made:
        for name in made.names:
            made.start(name)
        made.wait_until(lambda: all(made.connected(name) for name in made.names))
        before = made.standing(made.names[0])
        number = made.begin(replace(over_devices(2, cohort=4, least=3), wait_seconds=30.0))
        ledger = JoinedHome.joined(made.device(made.names[0])).ledger
        made.wait_until(ledger.exists)
        assert made.kill(made.names[0]) >= 2
        made.start(made.names[0])
        made.wait_until(lambda: made.state(number) not in ("queued", "running"))
        assert [(entry["note"], entry["counts"]["reply"]) for entry in made.history(number)] == [("", 3)] * 2
        after = made.standing(made.names[0])
        assert (after["events"], after["head"]) == (before["events"], before["head"])
        assert made.standing(made.names[1])["rounds"]["rounds"] == 2
        audited = run("graft-device", "audit", made.device(made.names[1])).stdout
        assert "sent its part of a secure sum" in audited
        start, end = (load_encoder(path)[0] for path in (tmp_path / "start.safetensors", made.encoder(number)))
        assert abs(end.flat - start.flat).max() > 1e-4
