"""What the API's description says in words: the decisions where the published documents leave one open."""

from typing import Final

DESCRIPTION: Final = """\
Campaigns of outbound calls: made, paced, started and stopped over HTTP. The methods under Schedules, Profiles \
and Campaigns are those of Plum Voice's Call Scheduling and Pacing API; what goes beyond it stands beside them.

**Requests.** Parameters come by query, as a multipart or urlencoded form whose arrays are JSON in a string, or \
as a JSON body. The body is read for what it is: its Content-Type decides only where it leaves that open. Where \
query and body both have a parameter, the body wins; of one that is sent twice, the last counts; an unknown one \
is passed over. An empty one counts as not sent.

**Answers.** Changes answer `{"status":"success"}`, most with a `response`; lists are bare arrays. A parameter \
that is wrong is a 422, a map from its name to sentences; every other refusal is `{"status":"error","error":"a \
sentence"}`. Answers hold more keys than the published ones, never fewer.

**Decisions.**
* Ids are digits of ASCII. What belongs to another tenant answers as unknown (404).
* PATCH and PUT are alike and change only what is sent. Without an id they list the campaigns and change \
nothing.
* A schedule is sent as `schedule` or `schedule_id`, by id or nickname; digits are read as an id first, then as \
a nickname.
* Nicknames have 64 characters at most, and are unique for a tenant, whatever their case, after NFC and \
trimming. `name` and `nickname` are the same.
* A campaign dials only after `start`, or with `auto_start=1`. Its end date is its last day of calls, although \
it is listed as a midnight. Hours are Eastern unless it names another `time_zone`; those of one day may touch \
but not overlap, and none goes over midnight.
* Calls are spread evenly over a period, never in a burst. A new pace holds from the next period or window on; \
new days, dates and hours hold at once.
* A schedule or profile that a campaign uses is not deleted (400, with the highest campaign id). A deleted \
campaign is stopped, its undialed numbers end as `canceled`, and its calls are kept for the audit.
* A number of a phone list is accepted when it is possible by its country's numbering plan. The same number with \
the same reference is taken once in a campaign.
* A `result_url` may be changed at any time, and added until something was dialed.
"""

#: Refusals that many operations share, by status.
REFUSALS: Final[dict[int, str]] = {
    400: "The request cannot be read.",
    401: "There is no token, or it is unknown, expired or revoked.",
    403: "The token's role does not allow it.",
    404: "There is nothing with that id, or it belongs to somebody else.",
    408: "The body did not arrive in time.",
    409: "It contradicts the present state; nothing was changed.",
    413: "The request is too large.",
    415: "The body is of a kind that is not read here.",
    422: "A parameter is missing or wrong; nothing was changed.",
    429: "Too many requests, or too many numbers for today: come back after Retry-After seconds.",
    503: "Postgres does not answer; nothing was changed. Come back after Retry-After seconds.",
}
