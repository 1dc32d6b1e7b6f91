"""How a program's log is written: lines for people, or a JSON object a line for what collects logs."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.errors import ConfigError

TEXT, JSON = "text", "json"
FORMATS = (TEXT, JSON)
HELP = "How the log is written: text, or json, an object a line."


class JsonLines(logging.Formatter):
    """``time`` (UTC, ISO 8601), ``level``, ``logger``, ``message``; of an error its kind and place, and no text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps({**line, **_error(record)}, ensure_ascii=False)


def checked_format(log_format: str) -> str:
    """The format itself; raises ConfigError for an unknown one."""
    if log_format not in FORMATS:
        raise ConfigError(f"--log-format must be one of {', '.join(FORMATS)}; got {log_format!r}")
    return log_format


def begin_log(log_format: str) -> None:
    """From now on this process logs to stderr, from INFO on; raises ConfigError for an unknown format."""
    form = checked_format(log_format)
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if form == JSON else plain)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _error(record: logging.LogRecord) -> Mapping[str, str]:
    if not record.exc_info:
        return {}
    kind, _, trace = record.exc_info
    if kind is None:
        return {}
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return {"error": kind.__name__, "where": where}
