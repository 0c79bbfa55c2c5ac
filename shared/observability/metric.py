"""The shapes of the catalogue: a Redis key and a metric."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

#: What may stand between two colons of a key: ids, service names, host names with a process number.
_KEY_PART = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisKey:
    """One kind of key, below `{namespace}:metrics:`."""

    pattern: str
    redis_type: str
    #: Counted from the last write, so that nothing of ours stays for good on a shared server.
    ttl_seconds: int
    holds: str
    #: The labels that a reader takes from the key itself.
    labels: tuple[str, ...] = ()

    def name(self, namespace: str, **parts: int | str) -> str:
        """Return the key for these parts; raises ValueError for a part that could reach into another key."""
        for label, part in parts.items():
            if _KEY_PART.fullmatch(str(part)) is None:
                raise ValueError(
                    f"{part!r} cannot be the {label} of a Redis key: use letters, digits, _, . and -."
                )
        return f"{namespace}:metrics:{self.pattern.format(**parts)}"


class Kind(StrEnum):
    """How a metric moves, in Prometheus' words."""

    COUNTER = "counter"  # only grows
    GAUGE = "gauge"  # goes up and down
    HISTOGRAM = "histogram"  # counts observations by size


class Together(StrEnum):
    """What the gauges of several processes say together."""

    SUM = "sum"
    LARGEST = "largest"  # a delay is as bad as the worst of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label with a closed set of values: no input can make new series."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: its name, unit and meaning, and where it is kept."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    #: None: it is made while `/metrics` answers.
    key: RedisKey | None
    label: Label | None = None
    together: Together = Together.SUM
    #: Upper bounds of a histogram's buckets, each inclusive; one more bucket takes the rest.
    bounds: tuple[int, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels of one series in `/metrics`."""
        of_key = self.key.labels if self.key else ()
        return (*of_key, self.label.name) if self.label else of_key

    @property
    def exported_name(self) -> str:
        """The name in `/metrics`, for example `paceline_calls_placed_total`."""
        return f"paceline_{self.name}_total" if self.kind is Kind.COUNTER else f"paceline_{self.name}"

    def field(self, value: str | None = None) -> str:
        """Return the field of its hash, for example `attempts_withheld:late`.

        Raises ValueError for a label value that the catalogue does not have.
        """
        if self.label is None and value is None:
            return self.name
        if self.label is None or value not in self.label.values:
            raise ValueError(f"{self.name} has no series {value!r}: add it to the catalogue.")
        return f"{self.name}:{value}"

    def series(self) -> Mapping[str, tuple[str, ...]]:
        """Return every field that its hash can have, each with the value of its own label if it has one."""
        if self.label is None:
            return {self.field(): ()}
        return {self.field(value): (value,) for value in self.label.values}
