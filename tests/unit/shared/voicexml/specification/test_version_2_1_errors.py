"""What VoiceXML 2.1 says of its attributes: which exclude one another, and what an expression that fails leads to."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.events import Digit, MarkReached

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/"
TRANSFER = "<form><transfer name='t' dest='tel:+12' {}><filled><log expr='t'/></filled></transfer>{}</form>"


@pytest.mark.parametrize(
    ("content", "event"),
    [
        pytest.param(
            "<field name='f'><grammar src='a' srcexpr='b'/></field>", "error.badfetch", id="2-two-sources"
        ),
        pytest.param(
            "<field name='f'><grammar srcexpr='b'>c</grammar></field>", "error.badfetch", id="2-and-inline"
        ),
        pytest.param("<field name='f'><grammar srcexpr='no'/></field>", "error.semantic", id="2-expression"),
        pytest.param(
            "<field name='f'><grammar srcexpr=\"'no'\"/></field>", "error.badfetch.http.404", id="2-not-there"
        ),
        pytest.param("<block><script src='a' srcexpr='b'/></block>", "error.badfetch", id="3-two-sources"),
        pytest.param("<block><script srcexpr='b'>c</script></block>", "error.badfetch", id="3-and-inline"),
        pytest.param("<block><script srcexpr='no'/></block>", "error.semantic", id="3-expression"),
        pytest.param(
            "<block><prompt><mark name='a' nameexpr='b'/></prompt></block>",
            "error.badfetch",
            id="4-two-names",
        ),
        pytest.param("<block><prompt><mark/></prompt></block>", "error.badfetch", id="4-no-name"),
        pytest.param(
            "<block><prompt><mark nameexpr='no'/></prompt></block>", "error.semantic", id="4-expression"
        ),
        pytest.param(
            "<block><data name='d' src='a' srcexpr='b'/></block>", "error.badfetch", id="5-two-sources"
        ),
        pytest.param("<block><data name='d'/></block>", "error.badfetch", id="5-no-source"),
        pytest.param("<block><data name='d' srcexpr='no'/></block>", "error.semantic", id="5-expression"),
        pytest.param("<block><data name='1d' src='d.xml'/></block>", "error.semantic", id="5-no-name"),
        pytest.param(
            "<block><data name='d' src='d.xml' namelist='no'/></block>", "error.semantic", id="5-namelist"
        ),
        pytest.param("<block><data name='d' src='no'/></block>", "error.badfetch.http.404", id="5-not-there"),
        pytest.param("<block><foreach item='x'/></block>", "error.badfetch", id="6-no-array"),
        pytest.param("<block><foreach array='[]'/></block>", "error.badfetch", id="6-no-item"),
        pytest.param("<block><disconnect namelist='no'/></block>", "error.semantic", id="8-namelist"),
        pytest.param(
            "<transfer dest='tel:+12' type='blind' bridge='true'/>", "error.badfetch", id="9-type-and-bridge"
        ),
        pytest.param("<transfer dest='tel:+12' type='other'/>", "error.badfetch", id="9-no-type"),
    ],
)
def test_what_cannot_be_done(call: Call, wrap: Wrap, content: str, event: str) -> None:
    """A contradiction makes the document invalid, an expression that fails is a semantic error."""
    documents = {URL + "start.vxml": wrap(f"<form>{content}</form>"), URL + "d.xml": "<d/>"}
    assert call(documents).exit.event == event


def test_2_a_grammars_address_is_evaluated_at_each_visit(call: Call, wrap: Wrap) -> None:
    """So the same field may listen for something else the second time."""
    form = """<form><var name="n" expr="1"/><field name="f"><grammar srcexpr="'g' + n + '.grxml'"/>
    <filled><log expr="f"/><if cond="n == 1"><assign name="n" expr="2"/><clear namelist="f"/></if></filled></field>
    </form>"""
    grammar = '<grammar version="1.0" root="r"><rule id="r">{}</rule></grammar>'
    documents = {
        URL + "start.vxml": wrap(form),
        URL + "g1.grxml": grammar.format("one"),
        URL + "g2.grxml": grammar.format("two"),
    }
    assert call(documents, "say:one", "say:two").logs == ["one", "two"]


@pytest.mark.parametrize("scope", ["document", "dialog"])
def test_5_data_belongs_to_the_scope_that_it_stands_in(call: Call, wrap: Wrap, scope: str) -> None:
    """Like a variable."""
    data, log = (
        "<data name='d' src='d.xml'/>",
        f"<block><log expr='{scope}.d.documentElement.nodeName'/></block>",
    )
    content = f"{data}<form>{log}</form>" if scope == "document" else f"<form>{data}{log}</form>"
    assert call({URL + "start.vxml": wrap(content), URL + "d.xml": "<root/>"}).logs == ["root"]


@pytest.mark.parametrize(
    ("marks", "log"),
    [((), "undefined undefined"), (((500, "m"),), "m 150"), (((500, "m"), (600, "n")), "n 50")],
)
def test_4_the_last_mark_before_the_input_is_told(
    call: Call, marks: tuple[tuple[int, str], ...], log: str
) -> None:
    """With the time since then; without one both are undefined."""
    form = """<form><field name="f" type="boolean"><prompt>a<mark name="m"/>b<mark name="n"/>c</prompt>
    <filled><log expr="f$.markname + ' ' + f$.marktime"/></filled></field></form>"""
    reached = [(at_ms, MarkReached(name=name, at_ms=at_ms)) for at_ms, name in marks]
    assert call(form, at=[*reached, (650, Digit(key="1", at_ms=650))]).logs == [log]


def test_4_a_nomatch_and_a_menu_tell_the_mark_in_the_last_result(call: Call) -> None:
    """Where there is no shadow variable."""
    log = "<log expr='application.lastresult$.markname + application.lastresult$[0].marktime'/><exit/>"
    form = f"""<menu><prompt>a<mark name="m"/>b</prompt><choice dtmf="1" event="e">x</choice>
    <catch event="e nomatch">{log}</catch></menu>"""
    for key in ("1", "7"):
        at = [(500, MarkReached(name="m", at_ms=500)), (600, Digit(key=key, at_ms=600))]
        assert call(form, at=at).logs == ["m100"]


@pytest.mark.parametrize(
    ("transfer", "answer", "logs"),
    [
        ("type='blind'", "transferred", ["connection.disconnect.transfer"]),
        ("type='consultation'", "transferred", ["connection.disconnect.transfer"]),
        ("type='consultation'", "busy", ["busy"]),
        ("type='bridge'", "far_end_disconnect", ["far_end_disconnect"]),
    ],
)
def test_9_each_type_of_transfer_ends_in_its_way(
    call: Call, transfer: str, answer: str, logs: list[str]
) -> None:
    """A caller who is gone is an event; one who is still there gets a value."""
    caught = "<catch event='connection.disconnect.transfer'><log expr='_event'/></catch>"
    assert call(TRANSFER.format(transfer, caught), answer).logs == logs


def test_6_foreach_declares_its_item_or_uses_the_one_that_is_there(call: Call) -> None:
    """After it, the item is the last one; what leads away ends it."""
    heard = call(
        """<form><var name="x" expr="0"/><block><foreach item="x" array="[1, 2]"/>
        <foreach item="y" array="new Array(2)"><log expr="typeof y"/></foreach>
        <foreach item="z" array="[7, 8]"><log expr="x + z"/><goto nextitem="b"/></foreach></block>
        <block name="b"><log>b</log></block></form>"""
    )
    assert heard.logs == ["undefined", "undefined", "9", "b"]
