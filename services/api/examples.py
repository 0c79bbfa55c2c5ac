"""Answers as the description shows them, for the rooms beyond the published API: one small campaign, seen everywhere.

Its one number was busy once and answered the second time; the result was posted.
"""

from typing import Any, Final

Example = dict[str, Any]

DONE: Final[Example] = {"status": "success"}
_REFUSED: Final[Example] = {"line": 3, "text": "+1202", "reason": "The number is too short."}
_NUMBER: Final[Example] = {"phone_number": "+12025550100", "message_reference": "march"}
_DIALED: Final = "2027-01-01T13:05:00.120+00:00"
_ENDED: Final = "2027-01-01T13:05:41.870+00:00"
_RESULT_URL: Final = "https://example.com/results"

NUMBERS: Final[Example] = {
    "numbers": [
        {
            **_NUMBER, "call_id": 41, "upload": 1, "line": 1, "ani": "+12025550199", "state": "FINAL",
            "attempts": 2, "next_attempt_at": None, "canceled_at": None, "outcome": "Answered",
            "result": "completed", "ended_at": _ENDED,
        },
    ],
    "next": None,
}  # fmt: skip
ATTEMPT: Final[Example] = {
    **_NUMBER, "attempt_id": 77, "call_id": 41, "ordinal": 2, "state": "DONE", "due_at": _DIALED,
    "sip_call_id": "f7c1@192.0.2.10", "trunk": "carrier", "dialed_at": _DIALED,
    "ringing_at": "2027-01-01T13:05:01.300+00:00", "answered_at": "2027-01-01T13:05:08.640+00:00",
    "ended_at": _ENDED, "sip_status": 200, "q850_cause": 16, "outcome": "Answered", "stage": 10,
    "callee_type": "voice", "withheld_because": None,
}  # fmt: skip
ATTEMPTS: Final[Example] = {"attempts": [ATTEMPT], "next": None}
RESULTS_CSV: Final = (
    "call_id,phone_number,message_reference,result,outcome,stage,callee_type,attempts,last_attempt_timestamp,"
    "duration,upload,line,ended_at,exit\r\n"
    f"41,tel:+12025550100,march,completed,Answered,10,voice,2,{_DIALED},33,1,1,{_ENDED},\r\n"
)
UPLOADS: Final[list[Example]] = [
    {
        "upload": 1, "file_name": "march.csv", "accepted": 1, "refused": 1, "duplicates": 1,
        "uploaded_at": "2026-12-30T09:00:00.000+00:00", "canceled_at": None,
    }
]  # fmt: skip
REJECTS: Final[Example] = {"rejects": [{"upload": 1, **_REFUSED}], "next": None}
CANCELED: Final[Example] = {**DONE, "canceled": 1, "in_call": 0, "refused": 0, "refused_lines": []}

HOLD: Final[Example] = {
    "id": 3, "of": "tenant", "campaign_id": None, "reason": "carrier maintenance", "calls": "finish",
    "placed_at": "2027-01-01T12:00:00+00:00",
}  # fmt: skip
RELEASED: Final[Example] = {**DONE, "released": 1}

DELIVERY: Final[Example] = {
    "call_id": 41, "campaign_id": 12, "state": "DELIVERED", "url": _RESULT_URL,
    "webhook_id": "msg_2mYx0Q", "tries": 1, "next_try_at": None, "created_at": _ENDED,
    "delivered_at": "2027-01-01T13:05:42.010+00:00",
}  # fmt: skip
DELIVERY_STORY: Final[Example] = {
    **DELIVERY,
    "waits_because": None,
    "content_type": "application/x-www-form-urlencoded",
    "body": "phone_number=%2B12025550100&message_reference=march&call_id=41&result=completed",
    "log": [
        {
            "try_no": 1, "at": _ENDED, "status": 200, "error": None, "resolve_ms": 3, "connect_ms": 21,
            "total_ms": 95, "answer": "OK",
        },
    ],
}  # fmt: skip
REPLAYED: Final[Example] = {**DONE, "replayed": 1}
RECEIVER: Final[Example] = {
    "url": _RESULT_URL, "reason": "answered 410 Gone", "disabled_at": "2027-01-01T13:05:42.010+00:00",
}  # fmt: skip
ENABLED: Final[Example] = {**DONE, "queued": 4}
RESULT: Final[Example] = {
    **_NUMBER, "place": "8812-5", "call_id": 41, "result": "completed", "callee_type": "voice", "attempts": 2,
    "last_attempt_timestamp": "2027-01-01 13:05:00", "duration": 33, "campaign_id": 12, "outcome": "Answered",
    "stage": 10, "exit.choice": "1",
}  # fmt: skip

BLOCKED: Final[Example] = {
    "phone_number": "+12025550100", "reason": "asked not to be called", "source": "api",
    "created_at": "2027-01-01T14:00:00+00:00",
}  # fmt: skip
BLOCKING: Final[Example] = {
    **DONE, "response": {"added": 1, "already": 0, "refused": 0, "refused_lines": []},
}  # fmt: skip
HISTORY: Final[Example] = {
    "phone_number": "+12025550100",
    "blocked": BLOCKED,
    "opt_outs": [
        {
            "at": "2027-01-01T14:00:00.000+00:00", "blocked": True, "actor": "night shift",
            "reason": "asked not to be called", "source": "api",
        },
    ],
    "last_call_ended_at": _ENDED,
    "lines": [
        {
            "campaign_id": 12, "campaign_name": "March", "call_id": 41, "upload": 1, "file_name": "march.csv",
            "line": 1, "uploaded_at": "2026-12-30T09:00:00.000+00:00", "message_reference": "march",
            "state": "FINAL", "attempts_made": 2, "canceled_at": None, "outcome": "Answered",
            "result": "completed", "ended_at": _ENDED, "attempts": [ATTEMPT], "more_attempts": 0,
            "delivery": {
                "state": "DELIVERED", "url": _RESULT_URL, "webhook_id": "msg_2mYx0Q", "tries": 1,
                "created_at": _ENDED, "delivered_at": "2027-01-01T13:05:42.010+00:00",
                "last_tried_at": _ENDED, "last_status": 200, "last_error": None,
            },
        },
    ],
    "next": None,
}  # fmt: skip

_OPENS: Final = "2027-01-01T08:00:00-05:00[America/New_York]"
_CLOSES: Final = "2027-01-01T11:00:00-05:00[America/New_York]"
PLAN: Final[Example] = {
    "campaign_id": 12, "name": "March", "status": "STOPPED", "held": None, "time_zone": "America/New_York",
    "planned_at": "2026-12-30T09:00:00-05:00[America/New_York]",
    "basis": "The campaign is STOPPED: this is what it would do if it were started now.",
    "attempts": 2, "callee_hours": None, "calls_in_progress": 0, "numbers": 1, "calls": 1, "left_over": 0,
    "first_call_at": _OPENS, "last_call_at": _OPENS, "estimated_end_at": _OPENS,
    "days": [
        {
            "date": "2027-01-01", "weekday": "fri", "calls": 1,
            "windows": [
                {
                    "window": "08:00-11:00", "opens_at": _OPENS, "closes_at": _CLOSES, "slots": 500, "calls": 1,
                    "first_call_at": _OPENS, "last_call_at": _OPENS,
                    "periods": [
                        {
                            "begins_at": _OPENS, "periods": 1, "calls_each": 1, "period": 30,
                            "amount_per_period": 100, "time_between_periods": 10,
                        },
                    ],
                },
            ],
        },
    ],
    "more_days": 0, "more_days_with_calls": 0, "seen_until": None, "simulation": None,
}  # fmt: skip
CALLS_NDJSON: Final = (
    f'{{"due_at":"{_OPENS}","call_id":41,"phone_number":"+12025550100","try":1,"outcome":"Busy"}}\n'
    '{"summary":{"calls":1,"left_over":0}}\n'
)
