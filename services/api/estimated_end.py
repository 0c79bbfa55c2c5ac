"""When a running campaign will be done, as far as that is known without looking far.

It is the end of its plan: every number called once, in the hours that it has. Retries and callees' own hours come on
top of it; `/api/campaigns/{id}/plan` tells more.
"""

import asyncio
from datetime import datetime
from typing import Final

from shared.domain.campaign import CampaignState, Dialect
from shared.domain.campaign_plan import campaign_plan
from shared.ports.campaign_plans import CampaignPlans

#: A tenth of a millisecond each; who ends later than so many windows from now asks for the plan.
WINDOWS_SEEN: Final = 100


async def estimated_end(plans: CampaignPlans, tenant_id: int, campaign_id: int) -> datetime | None:
    """Return the end of a campaign's plan; None for one that does not run, is held, or ends too far away.

    Raises NotFound.
    """
    async with plans.snapshot(tenant_id, Dialect.PLUM, campaign_id) as snapshot:
        facts = snapshot.facts
    if facts.state is not CampaignState.RUNNING or facts.held_because is not None or not facts.numbers:
        return None
    plan = await asyncio.to_thread(
        campaign_plan, facts.calendar, facts.start, numbers=facts.numbers, most_days=1,
        most_windows=WINDOWS_SEEN,
    )  # fmt: skip
    return plan.ends_at
