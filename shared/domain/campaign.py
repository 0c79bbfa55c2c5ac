"""A campaign's life.

`READY -> RUNNING <-> STOPPED -> DONE | DELETED`. Start and stop raise the campaign's epoch, and every attempt
remembers the epoch under which it was emitted: the gate before the INVITE compares the two, so that a stop
takes effect at once without emptying a queue, and what was emitted before a stop can never ring after the next
start.
"""

from enum import StrEnum

from shared.domain.errors import NotFound
from shared.domain.state_machine import StateMachine


class UnknownCampaign(NotFound):
    """No campaign of the asker's has this id."""

    def __init__(self, campaign_id: int) -> None:
        self.campaign_id = campaign_id
        super().__init__(f"There is no campaign with id {campaign_id}.")


class Dialect(StrEnum):
    """Which published API a campaign was made through; each lists only its own."""

    PLUM = "plum"
    VOICE = "voice"
    ENSWITCH = "enswitch"


class CampaignState(StrEnum):
    """Where a campaign stands."""

    READY = "READY"  # made, never started: nothing is dialed
    RUNNING = "RUNNING"  # dials inside its windows
    STOPPED = "STOPPED"  # keeps its numbers, dials nothing
    DONE = "DONE"  # past its last window, every number final
    DELETED = "DELETED"  # gone for its owner, kept for the audit


class CampaignEvent(StrEnum):
    """What moves a campaign."""

    START = "start"
    STOP = "stop"
    COMPLETE = "complete"  # no window is left and every number is final
    DELETE = "delete"


CAMPAIGN = StateMachine[CampaignState, CampaignEvent](
    "campaign",
    {
        CampaignState.READY: {
            CampaignEvent.START: CampaignState.RUNNING,
            CampaignEvent.DELETE: CampaignState.DELETED,
        },
        CampaignState.RUNNING: {
            CampaignEvent.STOP: CampaignState.STOPPED,
            CampaignEvent.COMPLETE: CampaignState.DONE,
            CampaignEvent.DELETE: CampaignState.DELETED,
        },
        CampaignState.STOPPED: {
            CampaignEvent.START: CampaignState.RUNNING,
            CampaignEvent.DELETE: CampaignState.DELETED,
        },
        # New numbers or later dates may wake a campaign that had finished.
        CampaignState.DONE: {
            CampaignEvent.START: CampaignState.RUNNING,
            CampaignEvent.DELETE: CampaignState.DELETED,
        },
        CampaignState.DELETED: {},
    },
)
