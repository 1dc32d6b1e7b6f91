"""The files of pages: templates that escape whatever is put into them, style and scripts, read from the package."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
SHARED = ("style.css", "icon.svg")
"""files of this package that every page names: the look, and the picture in the browser's tab"""


def templates(package: str) -> Environment:
    """Templates in the folder ``pages`` of a package; a value that is missing raises, and every value is escaped."""
    loader = PackageLoader(package, "pages")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def page_file(package: str, name: str) -> bytes:
    """A file in the folder ``pages`` of a package, read once by a process.

    Args:
        package: the package's name, with dots.
        name: of the file.

    Returns:
        Its bytes.
    """
    return (files(package) / "pages" / name).read_bytes()


def file_response(package: str, name: str) -> Response:
    """A file in the folder ``pages`` of a package, as an answer of the kind that its name says.

    Args:
        package: the package's name, with dots.
        name: of the file, which ends in ``.css``, ``.js`` or ``.svg``.

    Returns:
        The answer.
    """
    return Response(page_file(package, name), media_type=_KINDS[name.rpartition(".")[2]])


def shared_response(name: str) -> Response:
    """The same of one of ``SHARED``."""
    return file_response("shared.pages", name)
