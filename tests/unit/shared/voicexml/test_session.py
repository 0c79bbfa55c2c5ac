"""The session itself: its states, hang-up (VoiceXML 2.0, 1.5.4), limits, determinism."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.effects import (
    Effect,
    ErrorThrown,
    Exit,
    Play,
    StartTimer,
    StopListening,
    StopPlay,
    StopTimer,
)
from shared.voicexml.errors import ScriptFailed, SessionMisuse
from shared.voicexml.events import (
    CalleeTypeKnown,
    Digit,
    Event,
    Fetched,
    FetchFailed,
    HungUp,
    MarkReached,
    PlayEnded,
    Recorded,
    Said,
    SessionVariables,
    Start,
    TimerFired,
    TransferEnded,
)
from shared.voicexml.limits import AFTER_HANGUP_MS
from shared.voicexml.session import REACTIONS, Ended, Reaction, Session
from shared.voicexml.waits import Collecting, Draining, Fetching

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]
MakeStart = Callable[..., Start]

URL = "http://app.example/start.vxml"

EVENTS: list[Event] = [
    Fetched(fetch_id=999, url=URL, status=200, content_type="", body=b""),
    FetchFailed(fetch_id=999, reason="late"),
    PlayEnded(play_id=999),
    Digit(key="1"),
    Said(text="one"),
    MarkReached(name="m"),
    TimerFired(timer_id=999),
    CalleeTypeKnown(callee_type="voice"),
    HungUp(),
    TransferEnded(transfer_id=999, outcome="busy", duration_ms=0),
    Recorded(record_id=9, recording="", content_type="", duration_ms=0, size_bytes=0, ended_by="silence"),
]


# The state machine


@pytest.mark.parametrize("state", REACTIONS)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_state_has_a_reaction_to_every_event(state: type[Ended], event: Event) -> None:
    """The table is complete: no pair is absent."""
    assert isinstance(REACTIONS[state][type(event)], Reaction)


@pytest.mark.parametrize("state", [Fetching, Draining, Collecting])
@pytest.mark.parametrize(
    "event",
    [event for event in EVENTS if not isinstance(event, Digit | HungUp | Said)],
    ids=lambda event: type(event).__name__,
)
def test_an_answer_to_something_else_changes_nothing(
    make_start: MakeStart, wrap: Wrap, state: type[Fetching], event: Event
) -> None:
    """Events that come late or are not for this state have no effect in any of them."""
    session = in_state(state, make_start, wrap)
    assert session.handle(event) == ()
    assert type(session._state) is state


def in_state(state: type[Fetching | Draining | Collecting], make_start: MakeStart, wrap: Wrap) -> Session:
    """Bring a session into a state."""
    session = Session(make_start())
    (fetch,) = session.begin()
    content = {
        Draining: "<form><block>Bye</block></form>",
        Collecting: "<form><field name='a' type='digits'/></form>",
    }.get(state)
    if content is not None:
        fetch_id = fetch.fetch_id  # type: ignore[union-attr]
        body = wrap(content).encode()
        session.handle(Fetched(fetch_id=fetch_id, url=URL, status=200, content_type="", body=body))
    assert type(session._state) is state
    return session


def test_after_the_end_nothing_has_an_effect(make_start: MakeStart) -> None:
    """Events that were under way are passed over."""
    session = Session(make_start(url="nonsense"))
    assert [type(effect) for effect in session.begin()] == [ErrorThrown, Exit]
    assert session.ended
    assert [session.handle(event) for event in EVENTS] == [()] * len(EVENTS)


def test_a_session_begins_once_and_first(make_start: MakeStart) -> None:
    """A host that speaks out of turn is told so."""
    session = Session(make_start())
    with pytest.raises(SessionMisuse, match="not begun"):
        session.handle(HungUp())
    session.begin()
    with pytest.raises(SessionMisuse, match="begun already"):
        session.begin()
    with pytest.raises(SessionMisuse, match="Start is not an event"):
        session.handle(make_start())  # type: ignore[arg-type]


def test_a_key_that_no_telephone_has_is_passed_over(make_start: MakeStart, wrap: Wrap) -> None:
    """A flash, or whatever a network may report."""
    session = in_state(Collecting, make_start, wrap)
    assert [session.handle(Digit(key=key)) for key in ("flash", "", "E", "\u0663", "12")] == [()] * 5


# Session variables (5.1.4)


def test_5_1_4_the_session_knows_its_call(call: Call) -> None:
    """On an outbound call the caller id is the local side, the number called the remote one."""
    heard = call(
        """<form><block>
      <log expr="session.id + ' ' + session.telephone.ani + ' ' + session.telephone.dnis"/>
      <log expr="session.connection.local.uri + ' ' + session.connection.remote.uri"/>
      <log expr="session.connection.originator === session.connection.local"/>
      <log expr="session.callee_type + ' ' + session.campaign"/>
    </block></form>""",
        session_variables=SessionVariables(
            session_id="s1", ani="+12125550100", dnis="sip:bob@example.com", more=(("campaign", "c9"),)
        ),
    )
    assert heard.logs == [
        "s1 +12125550100 sip:bob@example.com",
        "tel:+12125550100 sip:bob@example.com",
        "true",
        "unknown c9",
    ]


@pytest.mark.parametrize("name", ["id", "connection", "a.b", ""])
def test_a_further_session_variable_needs_a_name_of_its_own(make_start: MakeStart, name: str) -> None:
    """It may neither hide a standard one nor be unreachable."""
    variables = SessionVariables(session_id="", ani="", dnis="", more=((name, "x"),))
    with pytest.raises(ScriptFailed, match="session variable"):
        Session(make_start(session_variables=variables))


def test_call_analysis_may_come_later(call: Call) -> None:
    """What the host finds out is seen from then on."""
    heard = call(
        """<form><block><log expr="session.callee_type"/></block>
        <field name="a" type="digits"/><noinput><log expr="session.callee_type"/><exit/></noinput></form>""",
        at=[(10, CalleeTypeKnown(callee_type="voice")), (500, CalleeTypeKnown(callee_type="fax"))],
    )
    assert heard.logs == ["voice", "fax"]


# Hang-up (1.5.4)

FIELD = "<field name='a' type='digits'><prompt>A</prompt></field>"


def test_1_5_4_a_hangup_is_thrown_to_the_application_that_listens(call: Call) -> None:
    """The catch runs, what played stops, and the session ends as hung up with what it handed over."""
    heard = call(
        f"<form><catch event='connection.disconnect.hangup'><exit expr=\"'noted'\"/></catch>{FIELD}</form>",
        at=[(500, HungUp())],
    )
    assert heard.exit == Exit(reason="hangup", values=(("expr", "noted"),))
    ending = [type(effect) for effect in heard.effects[-5:]]
    assert ending == [StartTimer, StopPlay, StopListening, StopTimer, Exit]


def test_1_5_4_a_hangup_that_nobody_catches_ends_the_session(call: Call) -> None:
    """That is no error."""
    assert call(f"<form>{FIELD}</form>", "hangup").exit == Exit(reason="hangup")


def test_1_5_4_after_a_hangup_the_application_may_still_submit(call: Call, wrap: Wrap) -> None:
    """And go from document to document; nothing is played any more."""
    heard = call(
        {
            URL: wrap(
                f"<form><catch event='connection'>Oh<submit next='bye' method='post'/></catch>{FIELD}</form>"
            ),
            "http://app.example/bye": wrap("<form><block>Nobody hears<log>done</log></block></form>"),
        },
        "hangup",
    )
    assert heard.logs == ["done"]
    assert heard.said == ["A"]
    assert heard.exit.reason == "hangup"


def test_1_5_4_after_a_hangup_the_session_never_listens_again(call: Call) -> None:
    """It ends where it would; the items before that are run."""
    heard = call(
        f"<form><catch event='connection.disconnect'><log>caught</log></catch>{FIELD}"
        "<block><log>never</log></block></form>",
        "hangup",
    )
    assert heard.logs == ["caught"]
    assert heard.exit.reason == "hangup"


def test_4_1_8_a_hangup_between_inputs_is_thrown_at_the_next_one(call: Call) -> None:
    """The transition goes on first: asynchronous events wait for the waiting state."""
    heard = call(
        "<form><catch event='connection.disconnect.hangup'><log>told</log><exit/></catch>"
        f"<block><log>block</log></block>{FIELD}</form>",
        at=[(10, HungUp())],
    )
    assert heard.logs == ["block", "told"]
    assert heard.said == []


def test_a_hangup_in_the_last_words_is_a_hangup(call: Call) -> None:
    """The message was not heard to its end, though the application had done its part."""
    heard = call("<form><block>Message<exit expr='1'/></block></form>", at=[(500, HungUp())])
    assert heard.exit == Exit(reason="hangup", values=(("expr", "1"),))


def test_1_5_4_what_is_left_after_a_hangup_is_bounded(make_start: MakeStart) -> None:
    """A submit that is never answered does not keep the session for ever."""
    session = Session(make_start())
    session.begin()
    (timer,) = session.handle(HungUp())
    assert isinstance(timer, StartTimer)
    assert timer.after_ms == AFTER_HANGUP_MS
    assert session.handle(TimerFired(timer_id=timer.timer_id)) == (Exit(reason="hangup"),)
    assert session.ended


def test_a_second_hangup_changes_nothing(make_start: MakeStart) -> None:
    """The time after the first one runs on."""
    session = Session(make_start())
    session.begin()
    session.handle(HungUp())
    assert session.handle(HungUp()) == ()


def test_the_hangup_that_a_disconnect_causes_does_not_count_as_the_callers(call: Call, wrap: Wrap) -> None:
    """A host reports that the caller is gone, whoever it was that hung up."""
    heard = call(
        {
            URL: wrap(
                "<form><catch event='connection.disconnect.hangup'><submit next='bye'/></catch>"
                "<block><disconnect/></block></form>"
            ),
            "http://app.example/bye": wrap("<form/>"),
        },
        at=[(75, HungUp())],
    )
    assert heard.exit == Exit(reason="disconnect")


def test_an_uncaught_error_after_a_hangup_is_an_error(call: Call) -> None:
    """The operator is to see that the application failed."""
    heard = call(
        f"<form><catch event='connection.disconnect'><submit next='gone'/></catch>{FIELD}</form>", "hangup"
    )
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.badfetch.http.404")


# Limits


CIRCLE = "<form><block name='b'>{}<clear/></block></form>"


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("<form id='a'><block><goto next='#a'/></block></form>", "1000 steps"),
        ("<form><block name='b'><goto nextitem='b'/></block></form>", "1000 steps"),
        ("<form><block cond='nothing'/><error/></form>", "1000 steps"),
        (
            "<form><catch><throw event='again'/></catch><block><throw event='again'/></block></form>",
            "1000 steps",
        ),
        (CIRCLE.format(""), "1000 steps"),
        (CIRCLE.format(f"<prompt>{'x' * 5_000}</prompt>"), "1048576 characters"),
        (CIRCLE.format(f"<log>{'x' * 5_000}</log>"), "1048576 characters"),
        (CIRCLE.format("<log/>" * 200), "50000 elements"),
    ],
)
def test_an_application_that_runs_in_circles_is_ended(call: Call, form: str, reason: str) -> None:
    """Whatever the circle is made of, it ends in error.semantic that no handler sees."""
    heard = call(form)
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.semantic")
    assert heard.exit.message.startswith(f"More than {reason} ")


def test_a_caller_may_be_asked_as_often_as_the_caller_likes(call: Call) -> None:
    """What is counted is counted between inputs."""
    heard = call(
        """<form><var name="n" expr="0"/><field name="a" type="digits">
        <noinput><assign name="n" expr="n + 1"/><if cond="n == 1200"><exit expr="n"/></if></noinput>
        </field></form>"""
    )
    assert heard.exit.values == (("expr", "1200"),)


def test_scripts_that_run_too_long_are_stopped_and_end_the_session_in_the_end(call: Call) -> None:
    """One is an error that can be caught, the third is one too many."""
    endless = "<value expr='(function () { while (true) ; })()'/>"
    handler = "<error><log expr='_message'/><goto nextitem='b'/></error>"
    heard = call(f"<form>{handler}<block name='b'>{endless}</block></form>")
    assert heard.logs == ["Line 1: The script ran longer than 0.15 s."] * 2
    assert heard.exit.message == "3 scripts ran longer than 0.15 s."


def test_a_full_heap_ends_the_session_in_an_orderly_way(call: Call) -> None:
    """An application that keeps all the memory that it can get harms nobody but itself."""
    hoard = "(function () { kept = null; for (;;) kept = {kept}; })()"
    heard = call(f"<form><var name='kept'/><error>Oh</error><block><value expr='{hoard}'/></block></form>")
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.semantic")
    assert "memory" in heard.exit.message


def test_submitted_text_is_bounded(call: Call) -> None:
    """A namelist of long values does not make a request of any length."""
    variables = "".join(f"<var name='v{n}' expr=\"'x'.repeat(60000)\"/>" for n in range(20))
    names = " ".join(f"v{n}" for n in range(20))
    heard = call(f"<form>{variables}<block><exit namelist='{names}'/></block></form>")
    assert heard.exit.values == ()
    assert "characters were produced" in heard.exit.message


# Determinism

DICE = """
<form><field name="a" type="digits?length=1">
  <prompt><value expr="Math.random()"/><value expr="new Date().toISOString()"/></prompt>
  <filled><clear namelist="a"/></filled></field></form>
"""


def test_the_same_events_give_the_same_effects(make_start: MakeStart, wrap: Wrap) -> None:
    """A session can be played back in another process."""

    def run(**changes: object) -> list[tuple[Effect, ...]]:
        session = Session(make_start(**changes))
        answers = [session.begin()]
        body = wrap(DICE).encode()
        events: list[Event] = [Fetched(fetch_id=1, url=URL, status=200, content_type="", body=body)]
        events += [Digit(key=key) for key in "1234"]
        return answers + [session.handle(event) for event in events]

    assert run() == run()
    assert run(seed=8) != run()
    assert run(now=1.0) != run()


def test_date_shows_when_the_session_started(call: Call) -> None:
    """The only clock of a session is what its host gave."""
    heard = call("<form><block><value expr='new Date().toISOString()'/></block></form>", now=0.0)
    assert heard.said == ["1970-01-01T00:00:00.000Z"]


def test_every_play_fetch_and_timer_has_an_id_of_its_own(call: Call) -> None:
    """An answer is never mistaken for one to something newer."""
    heard = call(f"<form><block>A</block>{FIELD}</form>", "", "", "12")
    ids = [effect.play_id for effect in heard.effects if isinstance(effect, Play)]
    ids += [effect.timer_id for effect in heard.effects if isinstance(effect, StartTimer)]
    ids += [effect.fetch_id for effect in heard.fetches]
    assert len(ids) == len(set(ids))
