"""The pages of the service: a form that asks for a list, and the interface for people; both need no token.

They hold nothing of the platform. A list comes through the interface like any other caller's, by the token that stands
in the form.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from client.serving.api_shapes import path_rows, shapes
from client.serving.requests import LIST_LENGTH
from shared.pages.page_files import SHARED, file_response, shared_response, templates
from shared.pages.page_guard import METHODS, SECURITY_HEADERS

PACKAGE = "client.serving"
_SCRIPT = "start.js"
Answer = Callable[[Request], Awaitable[Response]]


def page_paths(document: Mapping[str, Any]) -> dict[tuple[str, str], Answer]:
    """Method and path to what answers there.

    Args:
        document: the interface, as OpenAPI.
    """
    environment = templates(PACKAGE)
    start = environment.get_template("start.html").render(paths=path_rows(document), most=LIST_LENGTH)
    described = environment.get_template("docs.html").render(
        title=document["info"]["title"], paths=path_rows(document), shapes=shapes(document)
    )
    pages = {
        "/": HTMLResponse(start),
        "/docs": HTMLResponse(described),
        f"/{_SCRIPT}": file_response(PACKAGE, _SCRIPT),
        **{f"/{name}": shared_response(name) for name in SHARED},
    }
    return {(method, path): _answering(page) for path, page in pages.items() for method in METHODS}


def _answering(page: Response) -> Answer:
    page.headers.update(SECURITY_HEADERS)

    async def answer(_request: Request) -> Response:
        return page

    return answer
