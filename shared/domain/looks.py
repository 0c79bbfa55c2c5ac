"""How a pacer looks at a campaign: how often, how far and for how much at a time.

Here and not in the pacer, since plans and simulations say what a pacer will do, and have to be right about it.
"""

from datetime import timedelta
from typing import Final

from shared.domain.pace import Pace

#: The open interval and the one after it: all that a decision can reach.
STRETCHES: Final = 2
#: A campaign is looked at no more often than this: its calls are rung up to two seconds ahead.
SHORTEST_LOOK: Final = timedelta(milliseconds=500)
#: A number that comes back wakes its campaign, save in a transaction that a tick could not see; this finds it.
LOOK_WHILE_UNDER_WAY: Final = timedelta(seconds=5)
#: From the tick to the first call: the doorbell, the lease and a slow machine must fit in.
LEAD: Final = timedelta(milliseconds=500)
#: One claim takes at most this many numbers, so that no tick holds its row for long.
CLAIM_AT_MOST: Final = 500
#: For windows without a pace of their own, until trunks bring theirs: ten calls a second.
UNPACED: Final = Pace(period_minutes=1, amount=600)
