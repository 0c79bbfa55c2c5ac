"""What the description says of the campaign endpoints, and what was decided where the published ones are silent."""

from typing import Final

from services.api.campaign_path import CAMPAIGN, NO_CAMPAIGN
from services.api.plum.messages import (
    AddCallsParameters,
    AddedAnswer,
    CampaignDetail,
    CampaignEntry,
    CampaignIdParameters,
    CampaignParameters,
    ChangedCampaignAnswer,
    DeleteCampaignParameters,
    NewCampaignAnswer,
    NewCampaignParameters,
    StopParameters,
    Success,
)
from services.api.routes import BY_ID, MADE, Link, Operation
from services.api.upload_messages import RehearsalAnswer

_TAG: Final = "Campaigns"
_PATH: Final = "/api/campaigns"
_OVER: Final = "The campaign's last window has closed."
_DONE: Final = {"status": "success"}
_COUNTS: Final = {"accepted": 2, "refused": 0, "duplicates": 0, "refused_lines": []}
_PROFILES: Final = [{"profile": "MorningPace", "start_time": "08:00", "end_time": "11:00"}]
#: What a campaign may be made of.
CAMPAIGN_EXAMPLE: Final[dict[str, object]] = {
    "start_date": "2027-01-01",
    "end_date": "2027-01-05",
    "schedule_id": 6,
    "profiles": _PROFILES,
    "start_url": "https://example.com/start.vxml",
    "result_url": "https://example.com/results",
    "phone_numbers": ["tel:+12025550100;ani=2025550199,march"],
}
_CAMPAIGN: Final = {
    "campaign_id": 12,
    "start_date": "2027-01-01 00:00:00",
    "end_date": "2027-01-05 00:00:00",
    "start_url": "https://example.com/start.vxml",
    "result_url": "https://example.com/results",
    "schedule_nickname": "3wkdays",
    "profiles": [
        {"profile_id": 5, "nickname": "MorningPace", "start_time": "08:00", "end_time": "23:00"},
    ],
    "name": None,
    "time_zone": "America/New_York",
    "status": "RUNNING",
    "held": None,
    "preflight": {"start_url": "answered 200", "result_url": "answered 200"},
    "callee_hours": None,
    "withheld": [],
    "attempts": 1,
    "retry_minutes": [60],
    "retry_minutes_by_outcome": {},
    "numbers": {
        "accepted": 2, "ready": 1, "waiting": 0, "in_attempt": 0, "final": 1, "refused": 0, "duplicates": 0,
    },
    "calls_in_progress": 0,
    "outcomes": {"Answered": 1},
    "results": {"completed": 1},
}  # fmt: skip


def _without_id(name: str) -> tuple[str, Operation]:
    return "List campaigns, since no id was sent", Operation(
        id=name,
        tag=_TAG,
        description=(
            "An update without an id, with a slash at the path's end or without, lists the campaigns and changes "
            "nothing, whatever else is sent."
        ),
        answers=list[CampaignEntry],
        example=[_CAMPAIGN],
    )


def _update(name: str) -> tuple[str, Operation]:
    return "Update a campaign", Operation(
        id=name,
        tag=_TAG,
        description=(
            "PATCH and PUT are alike: only what is sent is changed; `profiles` replace all that the campaign had. "
            "New dates and hours hold at once, for a campaign that runs as well."
        ),
        takes=CampaignParameters,
        sends={"schedule": 11, "start_date": "2027-04-15", "end_date": "2027-04-30", "profiles": _PROFILES},
        answers=ChangedCampaignAnswer,
        example={"status": "success", "response": {"id": 26}},
        refuses={404: NO_CAMPAIGN},
    )


#: Summary and operation by method and path.
OPERATIONS: Final[dict[tuple[str, str], tuple[str, Operation]]] = {
    ("POST", _PATH): (
        "Create a campaign",
        Operation(
            id="createCampaign",
            tag=_TAG,
            description=(
                "The campaign dials nothing before `start`, unless `auto_start` is 1. Dates are inclusive, hours are "
                "those of its time zone. The phone list may come as a file or as a JSON array; campaign and list are "
                "both stored, or neither. A wrong line is refused by itself: the first ones are in the answer. With "
                "`validate_only=1` nothing is stored, and the answer has no id but what would become of the list."
            ),
            takes=NewCampaignParameters,
            sends=CAMPAIGN_EXAMPLE,
            answers=NewCampaignAnswer | RehearsalAnswer,
            example={"status": "success", "response": {"id": 2, **_COUNTS}},
            leads_to={
                **dict.fromkeys(
                    (
                        "showCampaign",
                        "deleteCampaign",
                        "planCampaign",
                        "listUploads",
                        "listRejects",
                        "listNumbers",
                        "listAttempts",
                        "fetchResultsCsv",
                    ),
                    BY_ID,
                ),
                **{
                    each: Link(body={"campaign_id": MADE})
                    for each in ("startCampaign", "stopCampaign", "releaseHolds")
                },
                **{
                    each: Link(
                        parameters={"id": MADE},
                        body={"start_date": "2027-04-15", "end_date": "2027-04-30", "profiles": _PROFILES},
                    )
                    for each in ("updateCampaign", "replaceCampaign")
                },
                "addCalls": Link(body={"campaign_id": MADE, "phone_numbers": ["tel:+12025550101"]}),
                "cancelUpload": Link(parameters={"id": MADE, "upload": "1"}),
                "cancelNumbers": Link(parameters={"id": MADE}, body={"phone_numbers": ["tel:+12025550100"]}),
                "placeHold": Link(body={"campaign_id": MADE, "reason": "carrier maintenance"}),
                "listDeliveries": Link(parameters={"campaign_id": MADE}),
            },
            refuses={409: _OVER},
        ),
    ),
    ("GET", _PATH): (
        "List campaigns",
        Operation(
            id="listCampaigns",
            tag=_TAG,
            description="The newest 1,000 campaigns that were made here, oldest first.",
            answers=list[CampaignEntry],
            example=[_CAMPAIGN],
        ),
    ),
    ("POST", f"{_PATH}/start"): (
        "Start a campaign",
        Operation(
            id="startCampaign",
            tag=_TAG,
            description="One that runs already goes on as it is. It dials inside its dates, days and hours only.",
            takes=CampaignIdParameters,
            sends={"campaign_id": 6},
            answers=Success,
            example=_DONE,
            refuses={404: NO_CAMPAIGN, 409: _OVER},
        ),
    ),
    ("POST", f"{_PATH}/stop"): (
        "Stop a campaign",
        Operation(
            id="stopCampaign",
            tag=_TAG,
            description="Nothing more is dialed; numbers that were not reached wait for the next start.",
            takes=StopParameters,
            sends={"campaign_id": 2},
            answers=Success,
            example=_DONE,
            refuses={404: NO_CAMPAIGN},
        ),
    ),
    ("POST", f"{_PATH}/add-calls"): (
        "Add numbers",
        Operation(
            id="addCalls",
            tag=_TAG,
            description=(
                "They are called after all that were there before, also while the campaign runs. With "
                "`validate_only=1` nothing is stored, and the answer says what would become of them."
            ),
            takes=AddCallsParameters,
            sends={"campaign_id": 2, "phone_numbers": ["tel:+12025550100;ani=2025550199"]},
            answers=AddedAnswer | RehearsalAnswer,
            example={**_DONE, **_COUNTS},
            refuses={404: NO_CAMPAIGN, 409: _OVER},
        ),
    ),
    ("GET", CAMPAIGN): (
        "Show a campaign",
        Operation(
            id="showCampaign",
            tag=_TAG,
            answers=CampaignDetail,
            example={**_CAMPAIGN, "estimated_end": "2027-01-02T14:30:00.000+00:00"},
            refuses={404: NO_CAMPAIGN},
        ),
    ),
    ("PATCH", CAMPAIGN): _update("updateCampaign"),
    ("PUT", CAMPAIGN): _update("replaceCampaign"),
    ("DELETE", CAMPAIGN): (
        "Delete a campaign",
        Operation(
            id="deleteCampaign",
            tag=_TAG,
            description=(
                "A running one is stopped. It is listed no more, its undialed numbers end with the result `canceled`, "
                "and its calls are kept for the audit. Schedule and profiles stay."
            ),
            takes=DeleteCampaignParameters,
            answers=Success,
            example=_DONE,
            refuses={404: NO_CAMPAIGN},
        ),
    ),
    ("PATCH", _PATH): _without_id("updateNoCampaign"),
    ("PUT", _PATH): _without_id("replaceNoCampaign"),
}
