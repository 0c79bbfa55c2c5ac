"""From document to document (VoiceXML 2.0, 5.3.7, 5.3.8 and 5.2.6)."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import pytest

from shared.voicexml.effects import Fetch
from shared.voicexml.limits import MAX_DOCUMENTS

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"


def test_the_first_request_posts_what_the_host_gave(call: Call) -> None:
    """Form-encoded, within the platform's fetch timeout."""
    fetch = call("<form/>").fetches[0]
    assert fetch == Fetch(
        fetch_id=fetch.fetch_id,
        method="POST",
        url=URL,
        form=(("message_reference", "INV-7"),),
        timeout_ms=15_000,
    )


def test_a_first_request_by_get_has_its_values_in_the_query(call: Call) -> None:
    """Encoded, behind a query that was there already."""
    heard = call({URL: 404}, url=f"{URL}?a=1#x", method="GET", form=(("name", "Jö & Co"), ("n", "2")))
    assert heard.fetches[0].url == f"{URL}?a=1&name=J%C3%B6+%26+Co&n=2"
    assert heard.fetches[0].form == ()


def test_the_first_urls_fragment_names_the_dialog(call: Call, wrap: Wrap) -> None:
    """It is not sent; a dialog that is not there is a bad fetch."""
    document = wrap("<form><block>One</block></form><form id='b'><block>Two</block></form>")
    assert call({URL: document}, url=f"{URL}#b").said == ["Two"]
    heard = call({URL: document}, url=f"{URL}#c")
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.badfetch")


def test_5_3_7_goto_another_document_begins_with_its_first_dialog(call: Call, wrap: Wrap) -> None:
    """The URL is relative, prompts of before are heard with the new ones, its variables are new."""
    heard = call(
        {
            URL: wrap("<var name='a' expr='1'/><form><block>One<goto next='b/two.vxml'/></block></form>"),
            "http://app.example/b/two.vxml": wrap("<form><block><value expr='typeof a'/></block></form>"),
        }
    )
    assert heard.said == ["One", "undefined"]
    assert (heard.fetches[1].method, heard.fetches[1].form) == ("GET", ())


def test_5_3_7_goto_a_dialog_of_the_same_document_keeps_its_variables(call: Call) -> None:
    """Nothing is fetched, and only the dialog's own variables end."""
    heard = call("""
      <var name="a" expr="1"/>
      <form><var name="b" expr="3"/><block><assign name="a" expr="2"/><goto expr="'#' + 'second'"/></block></form>
      <form id="second"><block><log expr="a + typeof b"/></block></form>""")
    assert heard.logs == ["2undefined"]
    assert len(heard.fetches) == 1


def test_5_3_7_goto_a_dialog_of_another_document(call: Call, wrap: Wrap) -> None:
    """By the fragment of its URL."""
    two = wrap("<form><block>No</block></form><form id='x'><block>Yes</block></form>")
    heard = call(
        {
            URL: wrap("<form><block><goto next='two.vxml#x'/></block></form>"),
            "http://app.example/two.vxml": two,
        }
    )
    assert heard.said == ["Yes"]


CAUGHT = (
    "<form><catch event='error'><log expr='_event'/><exit expr='_message'/></catch><block>{}</block></form>"
)


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (404, "error.badfetch.http.404"),
        (500, "error.badfetch.http.500"),
        ("fail:no answer within 15 s", "error.badfetch"),
        ("<vxml version='2.0'><form>", "error.badfetch"),
        ("<html/>", "error.badfetch"),
        (b"\xff\xfe\x00", "error.badfetch"),
        ("<vxml version='2.0' application='root.vxml'/>", "error.badfetch.http.404"),
    ],
)
def test_5_2_6_a_failed_fetch_is_thrown_where_it_was_asked_for(
    call: Call, wrap: Wrap, answer: str | bytes | int, event: str
) -> None:
    """The event tells the status, the old document handles it, and the message says what was fetched."""
    first = wrap(CAUGHT.format("<goto next='two.vxml'/>"))
    heard = call({URL: first, "http://app.example/two.vxml": answer})
    assert heard.logs == [event]
    assert heard.exit.reason == "exit"
    ((_, message),) = heard.exit.values
    assert "two.vxml" in message or "root.vxml" in message


def test_a_failed_first_fetch_ends_the_session(call: Call) -> None:
    """There is nobody to handle it but the host."""
    heard = call({URL: 503})
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.badfetch.http.503")
    assert "503" in heard.exit.message


@pytest.mark.parametrize(
    "next_",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "javascript:1",
        "http://[::1",
        "#none",
        "x" * 9_000,
    ],
)
def test_5_3_7_what_is_not_a_document_to_fetch_is_a_bad_fetch(call: Call, next_: str) -> None:
    """Other schemes, malformed URLs, dialogs that are not there."""
    heard = call(CAUGHT.format(f"<goto next='{next_}'/>"))
    assert heard.logs == ["error.badfetch"]
    assert len(heard.fetches) == 1


def test_5_3_7_fetchtimeout_is_the_elements_or_the_propertys(call: Call) -> None:
    """In milliseconds, with the fetch."""
    heard = call("""
      <property name="fetchtimeout" value="4s"/>
      <form><error/><block><goto next="a"/></block><block><goto next="b" fetchtimeout="1500ms"/></block></form>""")
    assert [fetch.timeout_ms for fetch in heard.fetches] == [15_000, 4_000, 1_500]


SUBMIT = """
<form>
  <var name="extra" expr="'e'"/><error><exit/></error>
  <field name="a" type="digits?length=1"/><field type="digits?length=1"/>
  <block name="done">{}</block>
</form>
"""


@pytest.mark.parametrize(
    ("element", "query", "form"),
    [
        ("<submit next='to'/>", "?a=1", ()),
        ("<submit next='to' method='post'/>", "", (("a", "1"),)),
        ("<submit expr=\"'t' + 'o'\" method='post' namelist='extra a'/>", "", (("extra", "e"), ("a", "1"))),
        ("<submit next='to?x=1' namelist='extra'/>", "?x=1&extra=e", ()),
        ("<submit next='to' namelist=''/>", "", ()),
        ("<submit next='to' method='post' namelist='a$.utterance'/>", "", (("a$.utterance", "1"),)),
    ],
)
def test_5_3_8_submit_sends_the_named_fields_or_the_namelist(
    call: Call, element: str, query: str, form: tuple[tuple[str, str], ...]
) -> None:
    """By GET unless it says post; fields without a name are nobody's business."""
    sent = call(SUBMIT.format(element), "1", "2").fetches[1]
    assert sent.url == f"http://app.example/to{query}"
    assert (sent.method, sent.form) == (("POST", form) if "post" in element else ("GET", ()))


def test_5_3_8_the_answer_of_a_submit_is_the_next_document(call: Call, wrap: Wrap) -> None:
    """As with goto."""
    documents: Mapping[str, str] = {
        URL: wrap(SUBMIT.format("<submit next='to'/>")),
        "http://app.example/to": wrap("<form><block>Thanks</block></form>"),
    }
    assert call(documents, "1", "2").said == ["Thanks"]


def test_a_session_fetches_no_more_than_its_share(call: Call, wrap: Wrap) -> None:
    """The next one is a bad fetch that can be caught."""
    again = wrap(
        "<form><catch event='error.badfetch'><exit expr='_message'/></catch>"
        "<block><goto next='start.vxml'/></block></form>"
    )
    heard = call({URL: again})
    assert len(heard.fetches) == MAX_DOCUMENTS
    assert heard.exit.values == (("expr", "A session may fetch 100 documents and no more."),)
