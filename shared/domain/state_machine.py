"""What every state machine of Paceline is: one table, and the rule that an absent pair is an error.

A machine that is spread over `if`s cannot be read, and a step that nobody foresaw passes unseen. Here the table
is the machine: the database statements carry out its rows with a compare-and-set, and a test walks every pair.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.domain.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


@dataclass(frozen=True)
class StateMachine(Generic[State, Event]):
    """A named table of state -> event -> next state."""

    name: str
    table: Mapping[State, Mapping[Event, State]]

    def after(self, state: State, event: Event) -> State:
        """Return the state that follows; raises IllegalTransition for a pair that the table lacks."""
        try:
            return self.table[state][event]
        except KeyError:
            raise IllegalTransition(self.name, state, event) from None

    def takes(self, state: State, event: Event) -> bool:
        """Whether the table has this pair."""
        return event in self.table.get(state, {})

    def before(self, event: Event) -> frozenset[State]:
        """Every state from which the event is legal: the `state IN (...)` of its compare-and-set."""
        return frozenset(state for state, row in self.table.items() if event in row)
