"""What the API's description says in words: the decisions where the published documents leave one open."""

from typing import Final

DESCRIPTION: Final = """\
Campaigns of outbound calls: made, paced, started and stopped over HTTP. The methods under Schedules, Profiles \
and Campaigns are those of Plum Voice's Call Scheduling and Pacing API; what goes beyond it stands beside them.

**Requests.** Parameters come by query, as a multipart or urlencoded form whose arrays are JSON in a string, or \
as a JSON body. The body is read for what it is: its Content-Type decides only where it leaves that open. Where \
query and body both have a parameter, the body wins; of one that is sent twice, the last counts; an unknown one \
is passed over. An empty one counts as not sent. A token comes as `Authorization: Bearer …`; its role says what \
it may do. Every POST takes an `Idempotency-Key`.

**Answers.** Changes answer `{"status":"success"}`, most with a `response`; lists are bare arrays. A parameter \
that is wrong is a 422, a map from its name to sentences; every other refusal is `{"status":"error","error":"a \
sentence"}`, and a 429 or 503 has `Retry-After`. A path that does not take a method answers 405 with `Allow`. \
Answers hold more keys than the published ones, never fewer.

**Decisions.**
* Ids are digits of ASCII. What belongs to another tenant answers as unknown (404).
* What was made has its id as `response.id`; lists call it `schedule_id`, `profile_id` and `campaign_id`. All \
changes answer 200.
* PATCH and PUT are alike and change only what is sent: nothing is required, not even `days`. `profiles` replace \
all that a campaign had. Without an id they list the campaigns and change nothing.
* Days are taken whatever their case and order, and listed from Monday on. The answer to a changed schedule has \
its `days` as JSON in a string, as published; lists have an array.
* A period and its amount count from 1 on; the time between periods may be 0.
* A schedule is sent as `schedule` or `schedule_id`, by id or nickname; digits are read as an id first, then as \
a nickname.
* A campaign's `schedule_nickname` is the schedule's id where that has no nickname.
* Nicknames have 64 characters at most, and are unique for a tenant, whatever their case, after NFC and \
trimming. `name` and `nickname` are the same. A schedule or profile may be without one; a profile is named by \
its nickname or id.
* A campaign dials only after `start`, or with `auto_start=1`. Its end date is its last day of calls, although \
it is listed as a midnight. Hours are Eastern unless it names another `time_zone`; those of one day may touch \
but not overlap, and none goes over midnight.
* Starting one that runs and stopping one that stands succeed and change nothing. After `stop` nothing more is \
dialed, calls under way go on, unless `calls=hangup` ends them, and the next `start` goes on where it stood.
* Calls are spread evenly over a period, never in a burst. A new pace holds from the next period or window on; \
new days, dates and hours hold at once. Fewer `attempts` are counted when a call ends: whoever waits for another \
call by the old number gets that one.
* A schedule or profile that a campaign uses is not deleted (400, with the highest campaign id). A deleted \
campaign is stopped, its undialed numbers end as `canceled`, and its calls are kept for the audit.
* Numbers that are added are called after all that were there before, also while the campaign runs.
* A line of a phone list is `tel:`, a number, `;ani=` and the caller's number, `;postd=` and keys, a comma and a \
reference; all but the number may be missing. It is read with or without a space behind the semicolon, in a \
spreadsheet's quotes, in UTF-8 or, by its mark, UTF-16, and the same in JSON, CSV and TXT. A file whose first \
column is called `destination` has variables of the call in the others. The answer has counts and the first \
refused lines; the others are at `/api/campaigns/{id}/rejects`.
* A number of a phone list is accepted when it is possible by its country's numbering plan, and by what the \
operator lets the tenant call: premium-rate and satellite numbers are not, unless it says so. The same number with \
the same reference is taken once in a campaign.
* A `result_url` may be changed at any time, and added until something was dialed.
"""

#: Refusals that many operations share, by status.
REFUSALS: Final[dict[int, str]] = {
    400: "The request cannot be read.",
    401: "There is no token, or it is unknown, expired or revoked.",
    403: "The token's role does not allow it.",
    404: "There is nothing with that id, or it belongs to somebody else.",
    405: "The path does not take this method; the header Allow says which ones it takes.",
    408: "The body did not arrive in time.",
    409: "It contradicts the present state; nothing was changed.",
    413: "The request is too large.",
    415: "The body is of a kind that is not read here.",
    422: "A parameter is missing or wrong; nothing was changed.",
    429: "Too many requests, or too many numbers for today: come back after Retry-After seconds.",
    503: "Postgres does not answer; nothing was changed. Come back after Retry-After seconds.",
}

#: Headers of answers by name.
HEADERS: Final[dict[str, dict[str, object]]] = {
    "Allow": {"description": "The methods that the path takes.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "The answer is that of the first request with this Idempotency-Key; nothing was done now.",
        "schema": {"const": "true"},
    },
    "Retry-After": {
        "description": "Seconds after which the request may be sent again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "What a token is sent as.", "schema": {"const": "Bearer"}},
}
#: The statuses of the answers that may have them.
HEADER_STATUSES: Final[dict[str, frozenset[int]]] = {
    "Allow": frozenset({405}),
    "Idempotent-Replayed": frozenset({200}),
    "Retry-After": frozenset({429, 503}),
    "WWW-Authenticate": frozenset({401}),
}
