"""A coordinator that runs signs releases anew, whatever its engine does."""

import time
from datetime import UTC, datetime, timedelta

from server.coordinator.home import ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from server.engine import supervisor
from server.engine.supervisor import Supervisor
from server.releases.freshness import due
from server.releases.opened import opened
from server.releases.publishing import publish
from shared.encoder.file import EncoderCard, save_encoder
from shared.system.free_port import free_port
from tests.federation_world import START

LONGEST = 60.0
"""seconds"""


def test_what_is_due_is_signed_anew_while_no_engine_answers(tmp_path, monkeypatch) -> None:
    now = datetime.now(UTC)
    save_encoder(tmp_path / "start.safetensors", START, EncoderCard())
    settings = ServerSettings(host="127.0.0.1", port=free_port())
    home = make_coordinator(tmp_path / "server", tmp_path / "start.safetensors", settings, now=now).home
    publish(home, opened(home, None, now - timedelta(days=5)), despite="for a test")
    signing = opened(home, None, now)
    assert due(signing.repository.chain(), signing) == ["snapshot", "timestamp"]
    monkeypatch.setattr(supervisor, "engine_programs", lambda _home, _port: [])
    end = time.monotonic() + LONGEST
    Supervisor(home, settings).serve(lambda: time.monotonic() > end or not due(signing.repository.chain(), signing))
    assert due(signing.repository.chain(), signing) == []
