"""Which languages may be asked for (VoiceXML 2.0, 4.1 and 5.2.6: error.unsupported.language).

The voice for a language is the host's to choose, and one that it lacks is better than silence. What is no language
at all is an error of the document, and its author learns of it.
"""

import re
from typing import Final

_PRIMARY = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8}){0,8}")

#: ISO 639-1, with the names that it gave up.
_ISO_639_1: Final = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io is it "
    "iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo "
    "mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh "
    "si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh "
    "yi yo za zh zu"
)
_TWO_LETTERS: Final = frozenset(_ISO_639_1.split())


def is_language(tag: str) -> bool:
    """Tell whether a tag (BCP 47) names a language; an empty one leaves it open."""
    match = _PRIMARY.fullmatch(tag.strip())
    if match is None:
        return not tag.strip()
    primary = match[1].lower()
    # ISO 639-2: qaa to qtz are for private use, and mean nothing to us.
    return primary in _TWO_LETTERS or (len(primary) > len("en") and not "qaa" <= primary <= "qtz")
