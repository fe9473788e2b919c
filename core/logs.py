"""The app's own log lines: one line each, without addresses of people, and without what an exception quotes.

Duty: whatever stands in an id, a header or a message from outside, a line says it harmlessly. Log lines of libraries
hold whole URLs, and those hold what somebody searched for; so they are heard from warnings on.
"""

import logging
import re
import traceback

from typing_extensions import override

from core.domain.masking import masked_emails

_LINE_MOST = 4000
_CHAIN_MOST = 5
# Line breaks of every kind, terminal sequences, and marks that turn the direction of reading round.
_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
_TALKATIVE = ("httpx", "httpcore", "azure.core.pipeline.policies.http_logging_policy", "azure.identity", "msal")


def logger(name: str) -> logging.Logger:
    """The logger of this name, whose records are cleaned before any handler sees them."""
    found = logging.getLogger(name)
    if not any(isinstance(each, _Cleaning) for each in found.filters):
        found.addFilter(_Cleaning())
    return found


def quiet_libraries() -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def one_line(text: str) -> str:
    """The text with its control characters escaped, and cut where it is endless."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text[:_LINE_MOST])


class _Cleaning(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = one_line(masked_emails(record.getMessage()[:_LINE_MOST])), None
        if record.exc_info and record.exc_info[1]:
            record.exc_text, record.exc_info = _where(record.exc_info[1]), None
        return True


def _where(error: BaseException | None) -> str:
    """The way to the exception and its kind. Its message is left out: it may quote what somebody said."""
    told: list[str] = []
    while error is not None and len(told) < _CHAIN_MOST:
        told.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nafter\n".join(told)
