"""Log lines: an event name and its facts, as JSON for programs or as text for people.

No phone number, token or message reference may appear in one: facts are ids, and a number is masked by its
sender. As a last line of defence the processor below blanks what looks like a number all the same.
"""

import logging
import re
import sys

import structlog

#: Seven digits and more in a row, as an E.164 number has them; ids travel as integers and are not touched.
_LOOKS_LIKE_A_NUMBER = re.compile(r"\+?[0-9]{7,}")


def configure_logs(*, service: str, level: str, log_format: str) -> None:
    """Set up the process's logs, ours and the libraries', on standard error."""
    renderer = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            _naming(service),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            blank_numbers,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # The libraries' own chatter: what is serious passes, with our format left to them.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def _naming(service: str) -> structlog.typing.Processor:
    """Name the service in every line, whichever thread or task writes it."""

    def name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return name


def blank_numbers(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace what looks like a phone number in any text of a log line."""
    for key, value in event.items():
        if isinstance(value, str) and key != "timestamp":
            event[key] = _LOOKS_LIKE_A_NUMBER.sub("•••", value)
    return event
