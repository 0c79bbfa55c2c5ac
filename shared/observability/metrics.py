"""The metrics catalogue: every metric and every Redis key of the scoreboard, once.

This is a published contract: a dashboard may read Redis without asking Paceline. The README's tables are
rendered from here and a test compares the two, so a metric exists when it stands here and nowhere else.

Three rules keep it honest after an accident:
  * A campaign's totals are absolute, read from Postgres. A FLUSHALL is healed by the next publication.
  * What a process knows about itself lives in one hash that dies with it. A reader adds the hashes up, so a
    killed process leaves no ghost behind.
  * Minutes and histograms only add. What is lost of them is lost for good, and no decision rests on it.

Labels are closed sets and ids. A phone number, a token or a name given by a user is never part of a key, a
field or a label.
"""

from collections.abc import Iterator
from typing import Final

from shared.domain.disposition import Outcome
from shared.domain.retry import Withheld
from shared.observability.metric import Kind, Label, Metric, RedisKey, Together

# The key map ------------------------------------------------------------------------------------------------
CAMPAIGN_KEY: Final = RedisKey(
    pattern="campaign:{tenant}:{campaign}",
    redis_type="hash",
    ttl_seconds=24 * 3600,  # a day after its last publication nobody watches a campaign live
    holds="a campaign's totals, absolute from Postgres; `at`: seconds since 1970 of the publication",
    labels=("tenant", "campaign"),
)
CAMPAIGNS_KEY: Final = RedisKey(
    pattern="campaigns",
    redis_type="sorted set",
    ttl_seconds=24 * 3600,  # as the hashes that it points to
    holds="`tenant:campaign` of every campaign hash, scored by `at`",
)
PROCESS_KEY: Final = RedisKey(
    pattern="process:{service}:{process}",
    redis_type="hash",
    ttl_seconds=10,  # ten missed publications: dead, or as good as dead
    holds="what one process counts and measures; `at`: seconds since 1970 of the publication",
    labels=("service", "process"),
)
PROCESSES_KEY: Final = RedisKey(
    pattern="processes",
    redis_type="sorted set",
    ttl_seconds=3600,  # longer than a hash, so that clocks may differ; no hash means a dead process
    holds="`service:process` of every process hash, scored by `at`",
)
MINUTES_KEY: Final = RedisKey(
    pattern="minutes:{tenant}:{campaign}:{hour}",
    redis_type="hash",
    ttl_seconds=2 * 3600,  # the last hour stays readable for an hour more
    holds="calls placed, by minute of the hour (0 to 59); `hour` counts hours since 1970, UTC",
    labels=("tenant", "campaign"),
)
CALLING_KEY: Final = RedisKey(
    pattern="calling",
    redis_type="sorted set",
    ttl_seconds=2 * 3600,  # as the minutes that it points to
    holds="`tenant:campaign` of every campaign that placed calls, scored by its last minute since 1970",
)
HISTOGRAM_KEY: Final = RedisKey(
    pattern="histogram:{metric}",
    redis_type="hash",
    ttl_seconds=7 * 24 * 3600,  # a quiet weekend does not reset it
    holds="observations by the upper bound of their bucket (not cumulative); `sum`: of their values",
)
KEY_MAP: Final = (
    CAMPAIGN_KEY,
    CAMPAIGNS_KEY,
    PROCESS_KEY,
    PROCESSES_KEY,
    MINUTES_KEY,
    CALLING_KEY,
    HISTOGRAM_KEY,
)

_ON_NAMES: Final = (
    "A hash's field is the metric's name, followed where it has a label of its own by a colon and the "
    "label's value, as in `attempts_withheld:late`. `/metrics` writes `paceline_` before a name and "
    "`_total` behind a counter's."
)

# The metrics ------------------------------------------------------------------------------------------------

#: A campaign's totals.
NUMBERS_ACCEPTED: Final = Metric(
    name="numbers_accepted", kind=Kind.COUNTER, unit="numbers", key=CAMPAIGN_KEY,
    meaning="Numbers that the campaign took; always ready + waiting + in attempt + final.",
)  # fmt: skip
NUMBERS_READY: Final = Metric(
    name="numbers_ready", kind=Kind.GAUGE, unit="numbers", key=CAMPAIGN_KEY,
    meaning="Numbers in line for their next call.",
)  # fmt: skip
NUMBERS_WAITING: Final = Metric(
    name="numbers_waiting", kind=Kind.GAUGE, unit="numbers", key=CAMPAIGN_KEY,
    meaning="Numbers that wait for a later instant.",
)  # fmt: skip
NUMBERS_IN_ATTEMPT: Final = Metric(
    name="numbers_in_attempt", kind=Kind.GAUGE, unit="numbers", key=CAMPAIGN_KEY,
    meaning="Numbers with an attempt that is not over.",
)  # fmt: skip
NUMBERS_FINAL: Final = Metric(
    name="numbers_final", kind=Kind.COUNTER, unit="numbers", key=CAMPAIGN_KEY,
    meaning="Numbers that have their one result.",
)  # fmt: skip
NUMBERS_BY_OUTCOME: Final = Metric(
    name="numbers_by_outcome", kind=Kind.COUNTER, unit="numbers", key=CAMPAIGN_KEY,
    label=Label(name="outcome", values=tuple(outcome.title for outcome in Outcome)),
    meaning="Final numbers by what became of them.",
)  # fmt: skip
LINES_REFUSED: Final = Metric(
    name="lines_refused", kind=Kind.COUNTER, unit="lines", key=CAMPAIGN_KEY,
    meaning="Lines of phone lists that could not be read as a number.",
)  # fmt: skip
LINES_DUPLICATE: Final = Metric(
    name="lines_duplicate", kind=Kind.COUNTER, unit="lines", key=CAMPAIGN_KEY,
    meaning="Lines of phone lists that repeated a number of the campaign.",
)  # fmt: skip

#: What a process counts.
CALLS_PLACED: Final = Metric(
    name="calls_placed", kind=Kind.COUNTER, unit="calls", key=PROCESS_KEY,
    meaning="Calls for which the INVITE left.",
)  # fmt: skip
ATTEMPTS_WITHHELD: Final = Metric(
    name="attempts_withheld", kind=Kind.COUNTER, unit="attempts", key=PROCESS_KEY,
    label=Label(name="reason", values=tuple(reason.name.lower() for reason in Withheld)),
    meaning="Attempts that were not made into a call, by what stood in the way.",
)  # fmt: skip
RESULTS_DELIVERED: Final = Metric(
    name="results_delivered", kind=Kind.COUNTER, unit="results", key=PROCESS_KEY,
    meaning="Results that their receiver took.",
)  # fmt: skip
WEBHOOK_TRIES: Final = Metric(
    name="webhook_tries", kind=Kind.COUNTER, unit="tries", key=PROCESS_KEY,
    label=Label(name="answer", values=("2xx", "3xx", "4xx", "5xx", "none")),
    meaning="Posts of a result, by the class of the receiver's answer; `none` where no answer came.",
)  # fmt: skip
SCOREBOARD_DROPPED: Final = Metric(
    name="scoreboard_dropped", kind=Kind.COUNTER, unit="publications", key=PROCESS_KEY,
    meaning="Publications that were dropped because Redis was away.",
)  # fmt: skip

#: What a process measures.
CALLS_IN_PROGRESS: Final = Metric(
    name="calls_in_progress", kind=Kind.GAUGE, unit="calls", key=PROCESS_KEY,
    meaning="Calls between their INVITE and their end.",
)  # fmt: skip
CALLS_RINGING: Final = Metric(
    name="calls_ringing", kind=Kind.GAUGE, unit="calls", key=PROCESS_KEY,
    meaning="Of these, calls whose far end alerts.",
)  # fmt: skip
CALLS_IN_CONVERSATION: Final = Metric(
    name="calls_in_conversation", kind=Kind.GAUGE, unit="calls", key=PROCESS_KEY,
    meaning="Of these, calls that were answered.",
)  # fmt: skip
DIALER_CAPACITY: Final = Metric(
    name="dialer_capacity", kind=Kind.GAUGE, unit="calls", key=PROCESS_KEY,
    meaning="Calls that the dialer can carry at a time; 0 while it drains.",
)  # fmt: skip
EVENT_LOOP_LAG_MS: Final = Metric(
    name="event_loop_lag_ms", kind=Kind.GAUGE, unit="milliseconds", key=PROCESS_KEY,
    together=Together.LARGEST,
    meaning="How late the process's event loop woke from its last timer.",
)  # fmt: skip
AUDIO_LATENESS_MS: Final = Metric(
    name="audio_lateness_ms", kind=Kind.GAUGE, unit="milliseconds", key=PROCESS_KEY,
    together=Together.LARGEST,
    meaning="How late the 20 ms clock of all audio was at its worst in the last second.",
)  # fmt: skip
DELIVERIES_SENDING: Final = Metric(
    name="deliveries_sending", kind=Kind.GAUGE, unit="results", key=PROCESS_KEY,
    meaning="Results that are being posted.",
)  # fmt: skip
DELIVERIES_WAITING: Final = Metric(
    name="deliveries_waiting", kind=Kind.GAUGE, unit="results", key=PROCESS_KEY, together=Together.LARGEST,
    meaning="Results that wait for their next try, as the process last counted them in Postgres.",
)  # fmt: skip
INTERPRETER_SESSIONS: Final = Metric(
    name="interpreter_sessions", kind=Kind.GAUGE, unit="sessions", key=PROCESS_KEY,
    meaning="VoiceXML sessions that run.",
)  # fmt: skip
PACER_TICK_MS: Final = Metric(
    name="pacer_tick_ms", kind=Kind.GAUGE, unit="milliseconds", key=PROCESS_KEY, together=Together.LARGEST,
    meaning="How long the pacer's last tick took.",
)  # fmt: skip
PACER_RUNG: Final = Metric(
    name="pacer_rung", kind=Kind.GAUGE, unit="attempts", key=PROCESS_KEY,
    meaning="Attempts that the pacer's last tick handed to the dialers.",
)  # fmt: skip

#: What adds up over all processes.
CALLS_LAST_MINUTE: Final = Metric(
    name="calls_last_minute", kind=Kind.GAUGE, unit="calls", key=MINUTES_KEY,
    meaning="Calls placed in the last whole minute; Redis has every minute of the last hour.",
)  # fmt: skip
CALL_LATENESS_MS: Final = Metric(
    name="call_lateness_ms", kind=Kind.HISTOGRAM, unit="milliseconds", key=HISTOGRAM_KEY,
    bounds=(0, 1, 2, 5, 10, 20, 50, 100, 200, 500),
    meaning="From a call's due instant to its INVITE; whatever is counted under 0 went out too early.",
)  # fmt: skip
ANSWER_TIME_MS: Final = Metric(
    name="answer_time_ms", kind=Kind.HISTOGRAM, unit="milliseconds", key=HISTOGRAM_KEY,
    bounds=(500, 1000, 2000, 5000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 120_000),
    meaning="From an answered call's INVITE to its answer.",
)  # fmt: skip
DELIVERY_MS: Final = Metric(
    name="delivery_ms", kind=Kind.HISTOGRAM, unit="milliseconds", key=HISTOGRAM_KEY,
    bounds=(10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000),
    meaning="One try to post a result, from its start to the receiver's answer or the lack of it.",
)  # fmt: skip
AUDIO_LOST_HERE: Final = Metric(
    name="audio_lost_here", kind=Kind.HISTOGRAM, unit="per thousand packets", key=HISTOGRAM_KEY,
    bounds=(0, 1, 5, 10, 20, 50, 100, 200, 500),
    meaning="Of an answered call's audio, what did not arrive at the dialer.",
)  # fmt: skip
AUDIO_LOST_THERE: Final = Metric(
    name="audio_lost_there", kind=Kind.HISTOGRAM, unit="per thousand packets", key=HISTOGRAM_KEY,
    bounds=(0, 1, 5, 10, 20, 50, 100, 200, 500),
    meaning="The same at the far end, as it reported last by RTCP; calls without a report are not counted.",
)  # fmt: skip
AUDIO_JITTER_MS: Final = Metric(
    name="audio_jitter_ms", kind=Kind.HISTOGRAM, unit="milliseconds", key=HISTOGRAM_KEY,
    bounds=(1, 2, 5, 10, 20, 50, 100, 200),
    meaning="By how much packets were off their time at the far end, as it reported last.",
)  # fmt: skip
AUDIO_ROUND_TRIP_MS: Final = Metric(
    name="audio_round_trip_ms", kind=Kind.HISTOGRAM, unit="milliseconds", key=HISTOGRAM_KEY,
    bounds=(1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 1000),
    meaning="From the dialer to the far end of the audio and back, by the far end's last report.",
)  # fmt: skip

#: What only `/metrics` can say.
SCOREBOARD_UP: Final = Metric(
    name="scoreboard_up", kind=Kind.GAUGE, unit="1 or 0", key=None,
    meaning="Whether Redis answered; at 0 every other metric is missing.",
)  # fmt: skip

CAMPAIGN_METRICS: Final = (
    NUMBERS_ACCEPTED, NUMBERS_READY, NUMBERS_WAITING, NUMBERS_IN_ATTEMPT, NUMBERS_FINAL, NUMBERS_BY_OUTCOME,
    LINES_REFUSED, LINES_DUPLICATE,
)  # fmt: skip
PROCESS_COUNTERS: Final = (
    CALLS_PLACED, ATTEMPTS_WITHHELD, RESULTS_DELIVERED, WEBHOOK_TRIES, SCOREBOARD_DROPPED,
)  # fmt: skip
PROCESS_GAUGES: Final = (
    CALLS_IN_PROGRESS, CALLS_RINGING, CALLS_IN_CONVERSATION, DIALER_CAPACITY, EVENT_LOOP_LAG_MS,
    AUDIO_LATENESS_MS,
    DELIVERIES_SENDING, DELIVERIES_WAITING, INTERPRETER_SESSIONS, PACER_TICK_MS, PACER_RUNG,
)  # fmt: skip
HISTOGRAMS: Final = (
    CALL_LATENESS_MS, ANSWER_TIME_MS, DELIVERY_MS,
    AUDIO_LOST_HERE, AUDIO_LOST_THERE, AUDIO_JITTER_MS, AUDIO_ROUND_TRIP_MS,
)  # fmt: skip
CATALOGUE: Final = (
    *CAMPAIGN_METRICS, *PROCESS_COUNTERS, *PROCESS_GAUGES, CALLS_LAST_MINUTE, *HISTOGRAMS, SCOREBOARD_UP,
)  # fmt: skip


def catalogue_markdown() -> str:
    """Render the key map and the catalogue as the README's two Markdown tables."""
    return "\n".join((*_key_table(), "", _ON_NAMES, "", *_metric_table()))


def _key_table() -> Iterator[str]:
    yield "| Redis key | type | kept | holds |"
    yield "|---|---|---|---|"
    for key in KEY_MAP:
        name = f"`{{namespace}}:metrics:{key.pattern}`"
        yield f"| {name} | {key.redis_type} | {_duration(key.ttl_seconds)} | {key.holds} |"


def _metric_table() -> Iterator[str]:
    yield "| metric | kind | unit | labels | kept in | meaning |"
    yield "|---|---|---|---|---|---|"
    for metric in CATALOGUE:
        labels = ", ".join(metric.label_names)
        kept_in = f"`{metric.key.pattern}`" if metric.key else ""
        start = f"| `{metric.name}` | {metric.kind} | {metric.unit} "
        yield f"{start}| {labels} | {kept_in} | {_full_meaning(metric)} |"


def _full_meaning(metric: Metric) -> str:
    """Return the meaning with what belongs to its kind: values, bounds, how processes are combined."""
    if metric.label:
        return f"{metric.meaning} One of {', '.join(f'`{value}`' for value in metric.label.values)}."
    if metric.bounds:
        return f"{metric.meaning} Buckets up to {', '.join(map(str, metric.bounds))} and above."
    if metric.together is Together.LARGEST:
        return f"{metric.meaning} The largest of all processes counts, not the sum."
    return metric.meaning


def _duration(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3600)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
