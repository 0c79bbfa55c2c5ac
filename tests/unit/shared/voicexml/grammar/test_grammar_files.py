"""Grammars as files: in which encodings and forms they are read (SRGS 1.0, 4.4)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

BASE = "http://app.example/"
FIELD = (
    "<form><field name='f'><grammar src='g'/><filled><log expr='f'/></filled>"
    "<catch event='nomatch error'><log expr='_event'/><exit/></catch></field></form>"
)
ABNF = "#ABNF 1.0 {};\r\nroot $m;\r\n$m = z\u00fcrich;\r\n"
XML = '<?xml version="1.0" encoding="{}"?><grammar version="1.0" root="m"><rule id="m">z\u00fcrich</rule></grammar>'


@pytest.mark.parametrize(
    ("body", "log"),
    [
        pytest.param(XML.format("UTF-8").encode("utf-8-sig"), "z\u00fcrich", id="xml-utf-8-with-a-mark"),
        pytest.param(XML.format("ISO-8859-1").encode("latin-1"), "z\u00fcrich", id="xml-latin-1"),
        pytest.param(XML.format("UTF-16").encode("utf-16"), "z\u00fcrich", id="xml-utf-16"),
        pytest.param(ABNF.format("UTF-8").encode("utf-8-sig"), "z\u00fcrich", id="abnf-utf-8-with-a-mark"),
        pytest.param(ABNF.format("").encode(), "z\u00fcrich", id="abnf-without-an-encoding"),
        pytest.param(ABNF.format("ISO-8859-1").encode("latin-1"), "z\u00fcrich", id="abnf-latin-1"),
        pytest.param(ABNF.format("UTF-16").encode("utf-16"), "z\u00fcrich", id="abnf-utf-16"),
        pytest.param(ABNF.format("UTF-8").encode("latin-1"), "error.badfetch", id="abnf-in-another-encoding"),
        pytest.param(ABNF.format("X-UNKNOWN").encode(), "error.badfetch", id="abnf-in-no-known-encoding"),
        pytest.param(b"#JSGF V1.0; grammar a;", "error.unsupported.format", id="another-language"),
        pytest.param(b"\x7fELF", "error.unsupported.format", id="no-language-at-all"),
    ],
)
def test_srgs_4_4_a_file_is_read_in_its_encoding(call: Call, wrap: Wrap, body: bytes, log: str) -> None:
    """The one that the file itself names, in either form."""
    documents = {BASE + "start.vxml": wrap(FIELD), BASE + "g": body}
    assert call(documents, "say:z\u00fcrich").logs == [log]
