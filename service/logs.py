"""What the server says of itself: lines for people, or objects for programs; nothing of what requests bring."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from service.settings import Settings, variable
from service.visit import Visit, current

LOG = logging.getLogger("lossapi")


def configuration(settings: Settings) -> dict[str, Any]:
    """What Python's logging is told."""
    level = settings.log_level.upper() if settings.log_level != "trace" else "DEBUG"
    loggers = {name: {"handlers": ["stderr"], "level": level, "propagate": False} for name in ("lossapi", "uvicorn")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)s %(message)s"},
            "json": {"()": Objects},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": settings.log_format, "stream": "ext://sys.stderr"}
        },
        "loggers": loggers,
    }


class Objects(logging.Formatter):
    """One JSON object a line, with the request it is about where it is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        visit = current()
        if visit is not None:
            told |= about(visit)
        told |= getattr(record, "told", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def about(visit: Visit) -> dict[str, str]:
    """Which request, of whom."""
    told = {"request_id": visit.identity.decode(), "key": visit.key}
    if visit.trace is not None:
        told |= {"trace_id": visit.trace.trace_id, "span_id": visit.trace.span_id}
    return {name: each for name, each in told.items() if each}


def access(visit: Visit, method: str, route: str, seconds: float) -> None:
    """One line for one request that was answered."""
    told = {
        "method": method,
        "route": route,
        "status": visit.status,
        "seconds": round(seconds, 6),
        "codec": visit.codec,
    }
    LOG.info("%s %s %d %.1f ms", method, route, visit.status, seconds * 1e3, extra={"told": told})


def greet(settings: Settings) -> None:
    """What whoever starts the server has to know."""
    if settings.keys_file is None:
        LOG.warning("no API keys: whoever reaches this server may use it (setting %s)", variable("keys_file"))
