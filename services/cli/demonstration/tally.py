"""What has arrived for the demonstration's campaign, counted by the references that were sent with the numbers."""

from collections import Counter
from collections.abc import Collection, Sequence

from services.cli.client.shapes import Campaign
from services.cli.receiving.result import Proof, ReceivedResult

#: The result's field for what the VoiceXML application hands to <exit> as `answer`.
ANSWER_FIELD = "exit.answer"
#: As many missing references as are told one by one; more of them say nothing more.
MOST_NAMED = 10


class Tally:
    """Results by reference. At-least-once delivery may bring one twice; it counts once."""

    def __init__(self, references: Collection[str]) -> None:
        self._expected = frozenset(references)
        self._campaign_id: int | None = None
        self._arrived: dict[tuple[int | None, str], str | None] = {}
        self.forged = 0

    def belongs_to(self, campaign_id: int) -> None:
        """Count for this campaign from now on, also what has arrived already."""
        self._campaign_id = campaign_id

    def hear(self, result: ReceivedResult) -> None:
        """Take a delivery; one whose signature does not match proves nothing and does not count."""
        if result.proof is not Proof.VERIFIED:
            self.forged += 1
        elif result.reference is not None:
            self._arrived[result.campaign_id, result.reference] = result.fields.get(ANSWER_FIELD)

    @property
    def received(self) -> frozenset[str]:
        """The references of ours whose result has arrived."""
        arrived = {reference for campaign_id, reference in self._arrived if campaign_id == self._campaign_id}
        return self._expected & arrived

    @property
    def answers(self) -> Counter[str]:
        """What the application has handed to the results of our campaign, counted."""
        ours = ((self._campaign_id, reference) for reference in self.received)
        return Counter(answer for answer in map(self._arrived.get, ours) if answer)

    @property
    def missing(self) -> Sequence[str]:
        """The references whose result has not arrived, in order."""
        return sorted(self._expected - self.received)

    def is_complete(self, campaign: Campaign) -> bool:
        """Whether there is a result for each accepted number, and every one of them is final."""
        return len(self.received) == campaign.numbers.accepted == campaign.numbers.final


def references_in(phone_list: str) -> list[str]:
    """Return the references of a phone list, in its order: what stands after the first comma."""
    return [line.partition(",")[2].strip() for line in phone_list.splitlines() if line.strip()]


def verdict(tally: Tally, campaign: Campaign) -> str:
    """Say in one sentence how complete the results are."""
    counts = f"Results received: {len(tally.received)} of {campaign.numbers.accepted} numbers accepted"
    if tally.is_complete(campaign):
        return f"{counts}, each with its own message_reference, every signature verified.{_answers(tally)}"
    return f"{counts}. {reason_for_missing(tally, campaign)}"


def _answers(tally: Tally) -> str:
    words = ", ".join(f"{answer} {count}" for answer, count in tally.answers.most_common())
    return f"\nWhat the application brought home ({ANSWER_FIELD}): {words}." if words else ""


def reason_for_missing(tally: Tally, campaign: Campaign) -> str:
    """Say which results are missing and, as far as the campaign tells, why."""
    missing = tally.missing
    named = ", ".join(missing[:MOST_NAMED]) + (" and others" if len(missing) > MOST_NAMED else "")
    return f"Missing: {named}. {' '.join(_reasons(tally, campaign))}"


def _reasons(tally: Tally, campaign: Campaign) -> list[str]:
    numbers = campaign.numbers
    reasons = []
    if numbers.refused or numbers.duplicates:
        reasons.append(
            f"{numbers.refused} lines of the list were refused and {numbers.duplicates} are duplicates."
        )
    if campaign.held:
        reasons.append(f"The campaign is held: {campaign.held}")
    if numbers.final < numbers.accepted:
        reasons.append(
            f"{numbers.accepted - numbers.final} numbers are not final: {numbers.ready} ready, {numbers.waiting} "
            f"waiting, {numbers.in_attempt} in an attempt; see the logs of the pacer and the dialer."
        )
    if tally.forged:
        reasons.append(f"{tally.forged} deliveries had a signature that does not match the tenant's secret.")
    return reasons or ["All numbers are final, so the deliveries failed; see the log of the dialer."]
