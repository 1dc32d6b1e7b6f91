"""The dashboard as a server of one address, until it is told to stop."""

import threading
import time
from collections.abc import Callable

import uvicorn

from server.coordinator.home import ServerHome, ServerSettings
from server.dashboard.dashboard_app import dashboard_app
from server.dashboard.dashboard_settings import DashboardSettings
from shared.system.door_limits import DoorLimits
from shared.system.doorkeeper import LOOP, Doorkeeper, guarded
from shared.system.listening import listening
from shared.system.settings_file import read_settings

_CONNECTIONS = 64
_GRACE_SECONDS = 1
_LOOK_SECONDS = 0.2
"""between two looks whether it is to stop"""


def serve_dashboard(
    home: ServerHome, settings: DashboardSettings, *, stopping: Callable[[], bool], say: Callable[[str], None]
) -> None:
    """Answer until it is to stop; raises ConfigError where the port is not to be had.

    Args:
        home: the coordinator's folder.
        settings: where to listen.
        stopping: whether it is to stop.
        say: hears the page's address once it answers.
    """
    coordinator = read_settings(ServerSettings, home.settings)
    opened = listening(settings.host, settings.port, "the dashboard")
    server = uvicorn.Server(
        uvicorn.Config(
            dashboard_app(home, settings.names(coordinator.names)),
            loop=LOOP,
            http=guarded(Doorkeeper(DoorLimits(connections=_CONNECTIONS)), None),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, name="dashboard")
    thread.start()
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    say(f"dashboard of {home.folder} on http://{shown}:{opened.getsockname()[1]}/, read only; Ctrl-C ends it")
    while thread.is_alive() and not stopping():
        time.sleep(_LOOK_SECONDS)
    server.should_exit = True
    thread.join()
