"""Trying an application in the terminal: what is shown, what may be answered, and where documents come from."""

import json
from collections.abc import Mapping
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from services.cli.screen import screen_on
from services.cli.voicexml.conversation import Conversation
from services.cli.voicexml.documents import Documents, start_url
from services.cli.voicexml.terminal import JsonTerminal, PlainTerminal
from services.cli.voicexml.trying import be_tolerant
from shared.domain.errors import Invalid
from shared.ports.fetching import FetchedDocument, FetchFailed
from shared.voicexml.effects import Fetch
from shared.voicexml.events import SessionVariables, Start
from shared.voicexml.session import Session


class NoNetwork:
    """A fetcher for applications that are files."""

    async def fetch(self, method: str, url: str, **_: object) -> FetchedDocument:
        """Fail, as a machine without a network does."""
        raise FetchFailed(f"{method} {url} is out of reach.", sent=False)


async def tried(folder: Path, content: str, *lines: str) -> list[dict[str, object]]:
    """Try an application whose first document has this content; return what a program reads."""
    (folder / "start.vxml").write_text(f"<vxml version='2.1'>{content}</vxml>")
    screen = StringIO()
    url = start_url(str(folder / "start.vxml"))
    start = Start(
        url=url,
        method="GET",
        session_variables=SessionVariables(session_id="t", ani="+12125550100", dnis="+12125550109"),
        seed=1,
        now=1.0,
    )
    terminal = JsonTerminal(screen_on(screen), lines)
    await Conversation(Session(start), Documents(NoNetwork(), url), terminal).run()
    return [json.loads(line) for line in screen.getvalue().splitlines()]


MENU = """<menu dtmf="true"><prompt>One</prompt><prompt>or two</prompt><choice next="#a">first</choice>
  <choice next="#b">second</choice></menu><form id="a"><block>A<exit expr="'a'"/></block></form>
  <form id="b"><block><log>in b</log>B</block></form>"""


async def test_prompts_keys_and_the_result(tmp_path: Path) -> None:
    """Each prompt is a line, then the input is announced and one answer is read."""
    assert await tried(tmp_path, MENU, '{"dtmf":"1"}') == [
        {"event": "prompt", "text": "One"},
        {"event": "prompt", "text": "or two"},
        {"event": "listen", "timeout_ms": 5_000},
        {"event": "prompt", "text": "A"},
        {"event": "exit", "reason": "exit", "values": {"expr": "a"}},
    ]


async def test_words_silence_and_logs(tmp_path: Path) -> None:
    """Silence takes no time: the menu asks again."""
    shown = await tried(tmp_path, MENU, '{"silence":true}', '{"say":"Second"}')
    assert [line["event"] for line in shown].count("listen") == 2
    assert {"event": "log", "text": "in b"} in shown


@pytest.mark.parametrize("lines", [(), ('{"hangup":true}',)])
async def test_the_end_of_the_input_is_a_hang_up(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """A program that has said all it had to say has gone."""
    assert (await tried(tmp_path, MENU, *lines))[-1] == {"event": "exit", "reason": "hangup", "values": {}}


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        ("busy", "bridge", "busy"),
        ("noanswer", "bridge", "noanswer"),
        ("answer", "bridge", "far_end_disconnect"),
        ("answer", "blind", "connection.disconnect.transfer"),
        ("hangup", "bridge", "connection.disconnect.hangup"),
    ],
)
async def test_a_transfer_ends_as_the_answer_says(
    tmp_path: Path, answer: str, kind: str, outcome: str
) -> None:
    """In the item's value or in an event."""
    shown = await tried(
        tmp_path,
        f"""<form><transfer name="t" dest="tel:+1" type="{kind}"><filled><log expr="t"/></filled></transfer>
        <catch event="connection"><log expr="_event"/></catch></form>""",
        json.dumps({"transfer": answer}),
    )
    assert shown[0] == {"event": "transfer", "dest": "tel:+1", "type": kind}
    assert {"event": "log", "text": outcome} in shown


async def test_errors_are_shown_even_when_they_are_caught(tmp_path: Path) -> None:
    """By name and in a sentence that names the file as the person does."""
    shown = await tried(
        tmp_path,
        "<form><block><goto next='none.vxml'/></block><catch event='error'>Oh<exit/></catch></form>",
    )
    assert (shown[0]["event"], shown[0]["name"]) == ("error", "error.badfetch.http.404")
    assert str(shown[0]["message"]).startswith(str(tmp_path / "none.vxml"))


async def test_a_recording_that_is_not_there_is_replaced(tmp_path: Path) -> None:
    """What can be had is named, for the rest its alternate content is shown."""
    (tmp_path / "there.wav").write_bytes(b"RIFF")
    shown = await tried(
        tmp_path,
        "<form><block><audio src='there.wav'>No</audio><audio src='none.wav'>Instead</audio></block></form>",
    )
    assert shown[:2] == [
        {"event": "audio", "src": str(tmp_path / "there.wav")},
        {"event": "prompt", "text": "Instead"},
    ]


async def test_a_recording_is_announced_as_an_input(tmp_path: Path) -> None:
    """Whatever is said is recorded."""
    shown = await tried(
        tmp_path,
        "<form><record name='r'><filled><log expr='r$.duration'/></filled></record></form>",
        '{"say":"x"}',
    )
    assert [line["event"] for line in shown] == ["listen", "log", "exit"]


async def test_the_end_of_an_application_that_loops_is_explained(tmp_path: Path) -> None:
    """A limit is no event that a document could catch; whoever tries it reads which one it was."""
    shown = await tried(tmp_path, "<form id='a'><block><goto next='#a'/></block></form>")
    assert [(line["event"], line.get("name")) for line in shown] == [
        ("error", "error.semantic"),
        ("exit", None),
    ]
    assert "seems to loop" in str(shown[0]["message"])


@pytest.mark.parametrize("where", ["<throw event='error.x'/>", "<var name='a' expr='nope'/>"])
async def test_an_error_that_ends_an_application_is_shown_once(tmp_path: Path, where: str) -> None:
    """As it is thrown, and not again at the end."""
    shown = await tried(tmp_path, f"<form><block>{where}</block></form>")
    assert [line["event"] for line in shown] == ["error", "exit"]


@pytest.mark.parametrize(
    ("name", "content", "plays"),
    [
        ("a.wav", b"RIFF", True),
        ("a.au", b".snd", True),
        ("a.xml", b"RIFF", True),
        ("a.ulaw", b"\xff\xff", True),
        ("a.txt", b"no sound", False),
        ("a.wav", b" <html/>", False),
        ("a.wav", b"", False),
    ],
)
async def test_a_text_is_no_recording(tmp_path: Path, name: str, content: bytes, *, plays: bool) -> None:
    """Its alternate content is shown (4.1.3), as in a call."""
    (tmp_path / name).write_bytes(content)
    shown = await tried(tmp_path, f"<form><block><audio src='{name}'>Instead</audio></block></form>")
    assert shown[0]["event"] == ("audio" if plays else "prompt")


def test_a_program_reads_the_same_from_every_pipe() -> None:
    """Lines are ASCII, whatever is said."""
    pipe = TextIOWrapper(BytesIO(), encoding="ascii")
    JsonTerminal(screen_on(pipe), ()).show({"event": "prompt", "text": "é€"})
    pipe.seek(0)
    assert json.loads(pipe.read()) == {"event": "prompt", "text": "é€"}


@pytest.mark.parametrize(
    ("json_lines", "heard"), [(True, "é€"), (False, "\ufffd" * 5)], ids=["program", "person"]
)
def test_no_encoding_stops_a_trial(*, json_lines: bool, heard: str) -> None:
    """Programs write UTF-8; what a terminal cannot write or nobody can read is replaced."""
    stdin = TextIOWrapper(BytesIO("é€".encode()), encoding="ascii")
    stdout = TextIOWrapper(BytesIO(), encoding="ascii")
    be_tolerant(stdin, stdout, json=json_lines)
    assert stdin.read() == heard
    PlainTerminal(screen_on(stdout), ()).show({"event": "log", "text": "é"})
    stdout.seek(0)
    assert stdout.read() == "log: \\xe9\n"


def test_a_mark_of_the_encoding_is_no_part_of_an_answer() -> None:
    """Some programs begin with one."""
    terminal = JsonTerminal(screen_on(StringIO()), ["\ufeff\n", '\ufeff{"dtmf":"1"}\r\n'])
    assert terminal.answer(transfer=False).dtmf == "1"


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "[" * 100_000,
        '{"say":null}',
        '{"dtmf":"1","say":"x"}',
        '{"dtmf":1}',
        '{"transfer":"maybe"}',
        "{}",
    ],
)
async def test_an_answer_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    """In a sentence that says what an answer is; nothing is guessed."""
    with pytest.raises(Invalid, match="An answer is one of"):
        await tried(tmp_path, MENU, line)


async def test_a_document_of_the_network_does_not_see_files(tmp_path: Path) -> None:
    """Only an application that is a file leads to files."""
    documents = Documents(NoNetwork(), "http://app.example/start.vxml")
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    assert not await documents.can_play(start_url(str(tmp_path / "a.wav")))


def test_a_person_types_keys_words_or_nothing() -> None:
    """Digits are keys, other text is said, an empty line is silence."""
    terminal = PlainTerminal(screen_on(StringIO()), ["12#\n", "Chicago\n", "\n", "hangup\n"])
    answers = [terminal.answer(transfer=False) for _ in range(5)]
    assert [(each.dtmf, each.say, each.hangup) for each in answers] == [
        ("12#", None, False),
        ("", "Chicago", False),
        ("", None, False),
        ("", None, True),
        ("", None, True),
    ]


async def test_a_value_and_the_full_stop_behind_it_are_one(tmp_path: Path) -> None:
    """As they are heard; a stop that stands alone stays alone."""
    shown = await tried(
        tmp_path,
        """<form><block>It is <value expr="'ten'"/>, <value expr="'sharp'"/>. At .5</block></form>""",
    )
    assert shown[0] == {"event": "prompt", "text": "It is ten, sharp. At .5"}


@pytest.mark.parametrize(
    ("attributes", "answer", "log"),
    [
        ("", '{"dtmf":"5"}', "5"),
        ("dtmfterm='false'", '{"dtmf":"5"}', "undefined"),
        ("dtmfterm='false'", '{"say":"hello"}', "undefined"),
    ],
)
async def test_a_recording_is_ended_by_a_key_or_by_silence(
    tmp_path: Path, attributes: str, answer: str, log: str
) -> None:
    """A key that may not end it is heard on it."""
    content = (
        f"<form><record name='r' {attributes}><filled><log expr='r$.termchar'/></filled></record></form>"
    )
    assert {"event": "log", "text": log} in await tried(tmp_path, content, answer)


FIELD = """<form><property name="recordutterance" value="true"/><field name="f"><prompt>a<mark name="m"/>b</prompt>
  <option>yes</option><filled><log expr="{}"/></filled></field></form>"""
TRANSFER = """<form><transfer name="t" dest="tel:+1" bridge="true" {}><filled><log expr="t + ' ' + t$.duration"/>
  </filled></transfer></form>"""
RECORD = """<form><record name="r" {}><filled><log expr="[r$.maxtime, r$.duration, r$.size].join(' ')"/>
  </filled></record></form>"""


@pytest.mark.parametrize(
    ("content", "answer", "log"),
    [
        (FIELD.format("typeof f$.recording + (f$.recordingsize &gt; 0)"), '{"say":"yes"}', "stringtrue"),
        (FIELD.format("f$.markname + (f$.marktime &gt; 0)"), '{"say":"yes"}', "mtrue"),
        (TRANSFER.format(""), '{"transfer":"answer"}', "far_end_disconnect 30"),
        (TRANSFER.format("maxtime='10s'"), '{"transfer":"answer"}', "maxtime_disconnect 10"),
        (TRANSFER.format("maxtime='90s'"), '{"transfer":"answer"}', "far_end_disconnect 30"),
        (TRANSFER.format("maxtime='10s'"), '{"transfer":"busy"}', "busy 0"),
        (RECORD.format(""), '{"say":"a rhyme"}', "false 6000 48000"),
        (RECORD.format("maxtime='4s'"), '{"say":"a rhyme"}', "true 4000 32000"),
    ],
)  # fmt: skip
async def test_what_is_said_and_talked_takes_as_long_as_people_do(
    tmp_path: Path, content: str, answer: str, log: str
) -> None:
    """For the application, which may ask for it; whoever tries it does not wait."""
    assert {"event": "log", "text": log} in await tried(tmp_path, content, answer)


class Post:
    """A fetcher that keeps what was posted, and knows no document."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> FetchedDocument:
        """Keep the body with its type."""
        self.sent.append(((headers or {})["Content-Type"].partition(";")[0], body or b""))
        return FetchedDocument(url=url, status=404, content_type=method, body=b"")


@pytest.mark.parametrize(
    ("wanted", "content_type", "part"),
    [
        ({"form": (("a", "b c"),)}, "application/x-www-form-urlencoded", b"a=b+c"),
        ({"form": (("a", "b"),), "multipart": True}, "multipart/form-data", b'name="a"'),
        ({"recordings": (("r", "recording:x"),)}, "multipart/form-data", b'filename="r.wav"'),
    ],
)
async def test_what_is_posted_looks_as_it_will_in_a_call(
    wanted: dict[str, Any], content_type: str, part: bytes
) -> None:
    """A form, or a form with files."""
    post = Post()
    fetch = Fetch(fetch_id=1, method="POST", url="http://app.example/", timeout_ms=1_000, **wanted)
    await Documents(post, "http://app.example/").fetch(fetch)
    ((kind, body),) = post.sent
    assert kind == content_type
    assert part in body
