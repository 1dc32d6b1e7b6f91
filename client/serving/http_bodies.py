"""A request's body as the model that its path takes: JSON without ambiguities, and errors in one sentence each.

Python's reader alone lets NaN, infinities, halves of surrogate pairs and keys that stand twice through, and pydantic's
errors quote what was sent.
"""

import json
import math
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import Unreadable

Body = TypeVar("Body", bound=BaseModel)
_DIGITS = 20
"""of a whole number; every bound of ours has fewer"""
_NAME = 40
"""characters of a key that are quoted"""


def read_body(model: type[Body], content: bytes) -> Body:
    """Read a body as the model that its path takes.

    Args:
        model: the shape.
        content: the bytes that came.

    Returns:
        The model, checked.

    Raises:
        Unreadable: if it is no JSON, or not of the model's shape; the error quotes nothing but the names of keys.
    """
    try:
        return model.model_validate(_json(content))
    except ValidationError as error:
        raise Unreadable(_sentence(error)) from None


def _json(content: bytes) -> Any:
    try:
        text = content.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_whole,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body must be JSON in UTF-8; byte {error.start} is none") from None
    except UnicodeEncodeError:
        raise Unreadable("the body holds half of a surrogate pair, which is no character") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Unreadable("an object of the body has a key twice")
    return fields


def _no_number(text: str) -> NoReturn:
    raise Unreadable(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Unreadable("a number of the body is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise Unreadable("a number of the body is too large")
    return int(text)


def _sentence(error: ValidationError) -> str:
    first, *others = error.errors(include_url=False, include_context=False, include_input=False)
    where = ".".join(str(part)[:_NAME] for part in first["loc"]) or "the body"
    more = f" ({len(others)} more such errors)" if others else ""
    return f"{where}: {first['msg']}{more}"
