"""What a form remembers while it is visited (VoiceXML 2.0, 2.1.4 and 5.2.2)."""

from shared.voicexml.ecmascript import DataModel
from shared.voicexml.model import Form, InputItem, Item


class FormState:
    """Prompt counters and event counters of a form and its items; made anew each time the form is entered."""

    def __init__(self, form: Form) -> None:
        self.form = form
        #: Of events in no item: initialisation and form-level <filled>. <clear> leaves them alone.
        self.event_counters: dict[str, int] = {}
        #: Text and keys of the choices at the item that is visited (2.2.4).
        self.choices: tuple[tuple[str, str], ...] = ()
        self._prompt_counters: dict[str, int] = {}
        self._item_event_counters: dict[str, dict[str, int]] = {}

    def item_event_counters(self, item: Item) -> dict[str, int]:
        """Return the event counters of an item."""
        return self._item_event_counters.setdefault(item.name, {})

    def count_prompt(self, item: Item) -> int:
        """Return which prompting of the item this is, from 1 on, and count it."""
        counter = self._prompt_counters.get(item.name, 1)
        self._prompt_counters[item.name] = counter + 1
        return counter

    def input_names(self) -> tuple[str, ...]:
        """Return the names of the input items, as <filled> means them."""
        return tuple(item.name for item in self.form.items if isinstance(item, InputItem))

    def submitted_names(self) -> tuple[str, ...]:
        """Return the input items that <submit> sends by default: those that the document named (5.3.8)."""
        return tuple(item.name for item in self.form.items if isinstance(item, InputItem) and item.named)

    def clear(self, names: tuple[str, ...], model: DataModel) -> None:
        """Clear variables, and the counters of those that are form items (5.3.3); none means all items."""
        for name in names or tuple(item.name for item in self.form.items):
            model.clear(name)
            plain = name.removeprefix("dialog.")
            self._prompt_counters.pop(plain, None)
            self._item_event_counters.pop(plain, None)
