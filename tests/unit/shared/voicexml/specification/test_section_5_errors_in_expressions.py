"""Whatever cannot be evaluated throws error.semantic where its handlers see it (VoiceXML 2.0, 5.1.3 and 5.2.6)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]

CATCH = "<catch event='error.semantic'><log>caught</log><exit/></catch>"
ONE = "<grammar mode='dtmf' version='1.0' root='r'><rule id='r'>1</rule></grammar>"

IN_A_BLOCK = [
    "<var name='v' expr='nope'/>",
    "<var name='v' expr='1+'/>",
    "<var name='document' expr='1'/>",
    "<var name='dialog'/>",
    "<var name='application'/>",
    "<var name='session'/>",
    "<var name='if'/>",
    "<assign name='nope' expr='1'/>",
    "<assign name='n' expr='nope'/>",
    "<assign name='n.x.y' expr='1'/>",
    "<assign name='1' expr='1'/>",
    "<assign name='session.id' expr='1'/>",
    "<assign name='document' expr='1'/>",
    "<clear namelist='nope'/>",
    "<clear namelist='1'/>",
    "<if cond='nope'/>",
    "<if cond=''/>",
    "<if cond='false'><elseif cond='nope'/></if>",
    "<prompt cond='nope'>x</prompt>",
    "<prompt><value expr='nope'/></prompt>",
    "<prompt><mark nameexpr='nope'/></prompt>",
    "<prompt><enumerate/></prompt>",
    "<prompt><foreach item='i' array='nope'>x</foreach></prompt>",
    "<value expr='nope'/>",
    "<audio expr='nope'/>",
    "<enumerate/>",
    "<goto expr='nope'/>",
    "<goto expritem='nope'/>",
    "<submit expr='nope'/>",
    "<submit next='a' namelist='nope'/>",
    "<exit expr='nope'/>",
    "<exit namelist='nope'/>",
    "<disconnect namelist='nope'/>",
    "<throw eventexpr='nope'/>",
    "<throw eventexpr=\"''\"/>",
    "<throw eventexpr=\"'a b'\"/>",
    "<throw event='x' messageexpr='nope'/>",
    "<return/>",
    "<return event='x'/>",
    "<log expr='nope'/>",
    "<log><value expr='nope'/></log>",
    "<script>nope</script>",
    "<script>var x = ;</script>",
    "<script>throw new Error('x')</script>",
    "<script>null.x</script>",
    "<script srcexpr='nope'/>",
    "<data name='d' srcexpr='nope'/>",
    "<data name='d' src='x' namelist='nope'/>",
    "<foreach item='i' array='nope'><log/></foreach>",
    "<foreach item='i' array='5'><log/></foreach>",
    "<foreach item='1' array='[1]'><log/></foreach>",
]

IN_A_FORM = [
    "<var name='v' expr='nope'/>",
    "<script>nope</script>",
    "<data name='d' srcexpr='nope'/>",
    "<grammar srcexpr='nope'/><field name='f'>{one}</field>",
    "<field name='f' cond='nope'>{one}</field>",
    "<field name='f' expr='nope'>{one}</field>",
    "<field name='if'>{one}</field>",
    "<field name='f'><grammar srcexpr='nope'/></field>",
    "<field name='f'>{one}<prompt cond='nope'>x</prompt></field>",
    "<field name='f'>{one}<prompt><value expr='nope'/></prompt></field>",
    "<field name='f'>{one}<property name='timeout' value='x'/></field>",
    "<field name='f'>{one}<property name='interdigittimeout' value='x'/></field>",
    "<field name='f'>{one}<property name='termchar' value='12'/></field>",
    "<field name='f'>{one}<filled><assign name='nope' expr='1'/></filled></field>",
    "<field name='f'>{one}</field><filled><assign name='nope' expr='1'/></filled>",
    "<field name='f'><option dtmf='2'/><link dtmf='1' expr='nope'/></field>",
    "<field name='f'><option dtmf='2'/><link dtmf='1' eventexpr='nope'/></field>",
    "<field name='f'><option dtmf='2'/><link dtmf='1' event='x' messageexpr='nope'/></field>",
    "<field name='f'>no grammar</field>",
    "<block cond='nope'/>",
    "<block expr='nope'/>",
    "<initial cond='nope'/>",
    "<initial expr='nope'/>",
    "<initial/>",
    "<record name='r' cond='nope'/>",
    "<record name='r' expr='nope'/>",
    "<record name='r'><prompt cond='nope'>x</prompt></record>",
    "<record name='r'><grammar srcexpr='nope'/></record>",
    "<transfer name='t' destexpr='nope'/>",
    "<transfer name='t' dest='tel:1' aaiexpr='nope'/>",
    "<transfer name='t' dest='tel:1' cond='nope'/>",
    "<transfer name='t' dest='tel:1'><grammar srcexpr='nope'/></transfer>",
    "<transfer name='t' dest='tel:1'><prompt cond='nope'>x</prompt></transfer>",
    "<subdialog name='s' srcexpr='nope'/>",
    "<subdialog name='s' src='a.vxml' namelist='nope'/>",
    "<subdialog name='s' src='#sub'><param name='p' expr='nope'/></subdialog>",
    "<subdialog name='s' src='#sub' cond='nope'/>",
    "<subdialog name='s' src='#sub'><prompt cond='nope'>x</prompt></subdialog>",
    "<object name='o' cond='nope'/>",
    "<object name='o'><prompt cond='nope'>x</prompt></object>",
]

IN_A_MENU = [
    "<choice dtmf='1' expr='nope'/>",
    "<choice dtmf='1' eventexpr='nope'/>",
    "<choice dtmf='1' event='x' messageexpr='nope'/>",
    "<choice event='x'><grammar srcexpr='nope'/></choice>",
    "<choice dtmf='1' event='x'/><prompt cond='nope'>x</prompt>",
    "<choice dtmf='1' event='x'/><property name='timeout' value='x'/>",
]

IN_A_DOCUMENT = [
    "<var name='v' expr='nope'/>",
    "<var name='session'/>",
    "<var name='a.b'/>",
    "<script>nope</script>",
    "<script srcexpr='nope'/>",
    "<data name='d' srcexpr='nope'/>",
]


@pytest.mark.parametrize(
    ("content", "element"),
    [(f"<form>{CATCH}<block>{{}}<log>no</log></block></form>", element) for element in IN_A_BLOCK]
    + [(f"<form>{CATCH}{{}}<block><log>no</log></block></form>", element) for element in IN_A_FORM]
    + [(f"<menu>{CATCH}{{}}</menu>", element) for element in IN_A_MENU]
    + [(f"{CATCH}{{}}<form><block><log>no</log></block></form>", element) for element in IN_A_DOCUMENT],
)
def test_5_2_6_what_cannot_be_evaluated_is_an_error_that_can_be_caught(
    call: Call, content: str, element: str
) -> None:
    """Nothing behind it is executed, and the session does not end by it."""
    document = content.format(element.replace("{one}", ONE))
    subdialog = "<form id='sub'><block><return/></block></form>"
    assert call("<var name='n' expr='0'/>" + document + subdialog, "1").logs == ["caught"]


@pytest.mark.parametrize(
    "element",
    [
        "<subdialog name='s' srcexpr='nope'>{catch}</subdialog>",
        "<subdialog name='s' src='a.vxml' namelist='nope'>{catch}</subdialog>",
        "<subdialog name='s' src='#sub'><param name='p' expr='nope'/>{catch}</subdialog>",
        "<transfer name='t' destexpr='nope'>{catch}</transfer>",
        "<transfer name='t' dest='tel:1' aaiexpr='nope'>{catch}</transfer>",
        "<record name='r'><grammar srcexpr='nope'/>{catch}</record>",
        "<field name='f'><grammar srcexpr='nope'/>{catch}</field>",
        "<field name='f'><prompt cond='nope'>x</prompt>{catch}</field>",
        "<initial><prompt cond='nope'>x</prompt>{catch}</initial>",
    ],
)
def test_5_2_the_item_that_is_visited_catches_its_own_errors(call: Call, element: str) -> None:
    """Its handlers go before those of the form."""
    outer = "<catch event='error'><log>outer</log><exit/></catch>"
    subdialog = "<form id='sub'><block><return/></block></form>"
    form = f"<form>{outer}{element.replace('{catch}', CATCH)}</form>"
    assert call(form + subdialog).logs == ["caught"]


def test_2_3_4_a_param_whose_name_is_none_is_an_error_in_the_subdialog(call: Call) -> None:
    """It is thrown where the variable would be declared."""
    heard = call(
        "<form><subdialog name='s' src='#sub'><param name='a.b' expr='1'/></subdialog></form>"
        f"<form id='sub'>{CATCH}<var name='a.b'/></form>"
    )
    assert heard.logs == ["caught"]
