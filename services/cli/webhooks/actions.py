"""What `paceline webhook …` does."""

import secrets
from datetime import datetime
from typing import Final

import typer

from services.cli import wiring
from services.cli.screen import Screen
from services.cli.webhooks.words import decision_on, told
from shared.clock import utc_now
from shared.contracts.result_body import NumberResult, ResultFormat, encode_result
from shared.domain.delivery_schedule import Delivered
from shared.domain.disposition import CalleeType, Disposition, Outcome, Result, Stage
from shared.domain.egress import EgressPolicy
from shared.ports.delivering import OutgoingWebhook
from shared.settings import Settings

REFUSED_EXIT: Final = 1
#: Random bytes of a made-up secret, as many as a tenant's.
SECRET_BYTES: Final = 32


async def try_receiver(screen: Screen, url: str, *, secret: str | None, as_json: bool) -> None:
    """Post a signed sample through the egress guard and tell what came of it; exit status 1 unless it was taken."""
    settings = Settings()
    key = secret or wiring.new_webhook_secret(secrets.token_bytes(SECRET_BYTES))
    webhook = _sample(url, key, ResultFormat.JSON if as_json else ResultFormat.FORM, utc_now())
    policy = EgressPolicy(allow=tuple(settings.egress_allow))
    report = await wiring.post_once(webhook, policy, timeout_s=settings.webhook_seconds)
    decision = decision_on(report, utc_now())
    screen.say(told(webhook, report, decision))
    if report.sent and secret is None:
        screen.say(f"It was signed with {key}, made up for this one; give the tenant's own with --secret.")
    if not isinstance(decision, Delivered):
        raise typer.Exit(REFUSED_EXIT)


async def show_secret(screen: Screen, *, tenant: str) -> None:
    """Print the newest secret and nothing else, so that a script can take it."""
    settings = Settings()
    screen.say(
        await wiring.webhook_secret(
            settings.required_database_url(), settings.required_secret_key_file(), tenant=tenant
        )
    )


async def rotate_secret(screen: Screen, *, tenant: str) -> None:
    """Sign with a new secret from now on, and with the old one beside it; print the new one."""
    settings = Settings()
    secret = await wiring.rotate_webhook_secret(
        settings.required_database_url(), settings.required_secret_key_file(), tenant=tenant
    )
    screen.say(secret)


async def finish_rotation(screen: Screen, *, tenant: str) -> None:
    """Sign with the newest secret alone."""
    await wiring.finish_webhook_rotation(Settings().required_database_url(), tenant=tenant)
    screen.say(f"Results of {tenant} are signed with the new secret alone; the old one is forgotten.")


def _sample(url: str, key: str, result_format: ResultFormat, now: datetime) -> OutgoingWebhook:
    """Return a result of nobody: its number is reserved for fiction, its ids are 0."""
    result = NumberResult(
        campaign_id=0,
        call_id=0,
        phone_number="+12025550100",
        message_reference="paceline-webhook-test",
        result=Result.COMPLETED,
        disposition=Disposition(Outcome.ANSWERED, Stage.ANSWERED),
        callee_type=CalleeType.VOICE,
        attempts=1,
        last_attempt_at=now,
        duration_seconds=12,
    )
    return OutgoingWebhook(
        webhook_id=f"test_{secrets.token_hex(8)}",  # a receiver that remembers ids takes each sample for a new one
        url=url,
        content_type=result_format.content_type,
        body=encode_result(result, result_format),
        keys=(key,),
    )
