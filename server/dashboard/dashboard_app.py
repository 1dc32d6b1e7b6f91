"""The dashboard's paths: the page, its look and its script; everything else is refused."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.coordinator.home import ServerHome
from server.dashboard.overview import Overview, overview
from shared.errors import GraftError
from shared.pages.page_files import SHARED, file_response, shared_response, templates
from shared.pages.page_guard import PageGuard
from shared.system.watch import reason

PACKAGE = "server.dashboard"
_SCRIPT = "dashboard.js"
_SHORTEST = 1.0
"""seconds for which a page is answered again, however many ask for it"""


class DashboardPage:
    """The page as it is now; several browsers cost no more than one."""

    def __init__(self, read: Callable[[], Overview], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._template = templates(PACKAGE).get_template("dashboard.html")
        self._one_at_a_time = threading.Lock()
        self._made: tuple[float, str, int] | None = None

    def answer(self, _request: Request) -> Response:
        """Where the folder cannot be read, a page that says why, under 503."""
        with self._one_at_a_time:
            if self._made is None or self._clock() - self._made[0] >= _SHORTEST:
                self._made = (self._clock(), *self._new())
            _, text, status = self._made
        return HTMLResponse(text, status)

    def _new(self) -> tuple[str, int]:
        try:
            return self._template.render(overview=self._read(), trouble=""), 200
        except (GraftError, OSError, ValueError, KeyError, TypeError) as error:  # of a file that others have written
            return self._template.render(overview=None, trouble=reason(error)), 503


def dashboard_app(home: ServerHome, names: Iterable[str]) -> PageGuard:
    """The application.

    Args:
        home: the coordinator's folder.
        names: hosts under which it may be reached.
    """
    page = DashboardPage(lambda: overview(home, now=datetime.now(UTC)))
    routes = [
        Route("/", page.answer),
        *(Route(f"/{name}", partial(_shared, name)) for name in SHARED),
        Route(f"/{_SCRIPT}", lambda _request: file_response(PACKAGE, _SCRIPT)),
    ]
    return PageGuard(Starlette(routes=routes), names)


def _shared(name: str, _request: Request) -> Response:
    return shared_response(name)
