"""How often and how far apart a number is tried (an extension: the published API calls each number once).

    attempts=3
    retry_minutes=30  or  retry_minutes=[30,120]          after the first call, after the second, ...; the last repeats
    retry_minutes_by_outcome={"Busy":5,"NoAnswer":60}     where an outcome has an interval of its own

All calls to a number come out of one budget of attempts, whatever each of them met.
"""

import re
from typing import Final

from services.api.parameters import given
from services.api.request_body import Fields
from shared.domain.disposition import Outcome
from shared.domain.errors import Invalid
from shared.domain.retry import LONGEST_INTERVAL_SECONDS, RETRYABLE, RetryPolicy
from shared.ports.campaign_changes import RetryChange

_SECONDS: Final = 60
_MOST_MINUTES: Final = LONGEST_INTERVAL_SECONDS // _SECONDS
_WHOLE: Final = re.compile(r"[0-9]{1,5}")
_BY_TITLE: Final = {outcome.title.lower(): outcome for outcome in RETRYABLE}


def read_retry_change(fields: Fields) -> RetryChange:
    """Return the parts of a policy that were sent; raises Invalid."""
    return RetryChange(
        tries=fields.integer("attempts") if given(fields, "attempts") else None,
        intervals_seconds=_intervals(fields) if given(fields, "retry_minutes") else None,
        by_outcome_seconds=_by_outcome(fields) if given(fields, "retry_minutes_by_outcome") else None,
    )


def read_retry_policy(fields: Fields) -> RetryPolicy:
    """Return the policy, each part of it the usual one where it was not sent; raises Invalid."""
    return read_retry_change(fields).of(RetryPolicy())


def _intervals(fields: Fields) -> tuple[int, ...]:
    written = fields.json("retry_minutes")
    minutes = written if isinstance(written, list) else [written]
    return tuple(_seconds(each, "retry_minutes") for each in minutes)


def _by_outcome(fields: Fields) -> dict[Outcome, int]:
    field = "retry_minutes_by_outcome"
    written = fields.json(field)
    if not isinstance(written, dict):
        raise Invalid(field, f'The {field} is a JSON object such as {{"Busy": 5}}.')
    return {_outcome(title, field): _seconds(minutes, field) for title, minutes in written.items()}


def _outcome(title: object, field: str) -> Outcome:
    outcome = _BY_TITLE.get(str(title).lower())
    if outcome is None:
        known = ", ".join(sorted(outcome.title for outcome in RETRYABLE))
        raise Invalid(field, f"Only these outcomes are tried again: {known}.")
    return outcome


def _seconds(minutes: object, field: str) -> int:
    """Return an interval in seconds; in a list that came by form it may be written as text."""
    if isinstance(minutes, str) and _WHOLE.fullmatch(minutes):
        minutes = int(minutes)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= _MOST_MINUTES:
        raise Invalid(
            field, f"An interval in {field} is a whole number of minutes, from 0 to {_MOST_MINUTES}."
        )
    return minutes * _SECONDS
