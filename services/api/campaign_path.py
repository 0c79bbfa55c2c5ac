"""One campaign in a path, and the answer where there is none: several rooms serve what is below it."""

from typing import Final

from services.api.routes import ID
from shared.domain.campaign import UnknownCampaign

CAMPAIGN: Final = f"/api/campaigns/{ID}"
#: As the description shows it, by an example's id.
NO_CAMPAIGN: Final = UnknownCampaign(4).message
