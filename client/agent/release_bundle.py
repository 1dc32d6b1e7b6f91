"""The installed release's own bundle, which an agent approves by itself; any other one its operator approves."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from client.agent.home import AgentHome
from client.agent.kept_bundle import keep, kept_bundle, place
from client.guard.approved_bundles import approve
from shared.errors import ConfigError
from shared.federation.bundle import write_bundle
from shared.system.engine_environment import run_flwr

SECONDS = 170.0


def approve_release(home: AgentHome) -> str:
    """Build the bundle as a coordinator of the same release does, and note its digest, which is returned.

    Nothing is asked for it: equal files give equal bundles, so one that was built before serves where it holds them.
    Raises ConfigError where it cannot be built.
    """
    with tempfile.TemporaryDirectory(dir=home.state) as folder:
        app = write_bundle(Path(folder))
        path = place(home.state, app)
        content = kept_bundle(path, app)
        if content is None:
            content = _built(app, home).read_bytes()
            keep(path, content)
        return approve(home.approved, hashlib.sha256(content).hexdigest())


def _built(app: Path, home: AgentHome) -> Path:
    """The one .fab that Flower makes of an app's folder."""
    try:
        done = run_flwr("build", "--app", str(app), home=home.engine, folder=app.parent, seconds=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"the release's bundle cannot be built: {error}") from error
    found = list(app.parent.glob("*.fab"))
    if done.returncode != 0 or len(found) != 1:
        raise ConfigError(f"the release's bundle cannot be built: flwr build ended with {done.returncode}")
    return found[0]
