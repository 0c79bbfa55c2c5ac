"""How much a session may use, and the meter that counts it.

The documents and scripts come from strangers, so each size, depth and repetition has an end. What is counted
per stretch is counted between two *waiting states* (VoiceXML 2.0, 4.1.8): a caller who is listened to cannot
be waited for a thousand times a second, so only a stretch without one can spin.
"""

from dataclasses import dataclass

from shared.voicexml.errors import Exhausted

#: Generated documents of real applications stay below 100 KiB; twenty times that is no application.
MAX_DOCUMENT_BYTES = 2 * 1024 * 1024

#: Elements inside elements. The deepest document of a 427-file corpus nests below 20.
MAX_DEPTH = 64

#: Elements in one document: bounds the memory of a loaded document to a few megabytes.
MAX_NODES = 20_000

#: Documents that one session may fetch; a long menu tree needs a dozen.
MAX_DOCUMENTS = 100

#: Characters of an event's name, which is counted under each of its prefixes (VoiceXML 2.0, 5.2.2): a name of some
#: thousand dots would take gigabytes. The longest that the specification names has 37.
MAX_EVENT_CHARACTERS = 128

#: Turns of the form interpretation algorithm, gotos and caught events in one stretch.
MAX_ITERATIONS = 1_000

#: Executable elements run in one stretch, so that a thousand turns of a long block end soon too.
MAX_ELEMENTS = 50_000

#: Characters queued, logged and submitted in one stretch: an hour of speech is about 50,000.
MAX_CHARACTERS = 1024 * 1024

#: Processor time of one evaluation. The engine counts the time of the process, which is why sessions run in
#: processes that do nothing else; an honest expression needs microseconds. As often as one may be overrun it still
#: keeps the other sessions of its process waiting for less than half a second.
SCRIPT_CPU_SECONDS = 0.15

#: Heap of one session's scripts; an empty context takes 0.2 MiB.
SCRIPT_HEAP_BYTES = 16 * 1024 * 1024

#: Stack of one session's scripts: far below the 8 MiB of the thread, so that recursion ends in an exception.
SCRIPT_STACK_BYTES = 256 * 1024

#: Evaluations that may run into the time limit before the session ends: one may be an accident.
MAX_SCRIPT_OVERRUNS = 3

#: Characters that one evaluation may hand out, so that a heap of text cannot be copied out of its limit.
MAX_SCRIPT_TEXT_CHARACTERS = 64 * 1024

#: What a URL may measure; longer ones are refused by common servers anyhow.
MAX_URL_CHARACTERS = 8_192

#: Keys held for the next input, and keys that one input may have: a card number with its code has 23.
MAX_KEYS = 64

#: Words, signs and rules of one grammar in the ABNF form; a list of all American towns has 30,000.
MAX_GRAMMAR_TOKENS = 50_000

#: Steps of one attempt to match; 64 keys against a grammar of a thousand rules need some thousands.
MAX_GRAMMAR_WORK = 20_000

#: Expansions inside expansions during one match, rules followed included: what a grammar for people needs
#: tenfold. Each takes two calls, so that it is less than half of what the stack of Python holds.
MAX_GRAMMAR_DEPTH = 200

#: Parses of one utterance that are looked at for maxnbest: an application that offers its caller more than a few to
#: choose from has asked the wrong question.
MAX_INTERPRETATIONS = 32

#: Words of one utterance.
MAX_WORDS = 64

#: Subdialogs inside subdialogs.
MAX_SUBDIALOGS = 20

#: Scripts, grammars and XML data are as large as documents may be, and a session fetches more of them.
MAX_FETCHES = 300

#: What is left to an application after the caller has gone (1.5.4), enough for one slow submit.
AFTER_HANGUP_MS = 30_000


@dataclass(slots=True)
class Effort:
    """What a session has done since it last waited for the caller."""

    iterations: int = 0
    elements: int = 0
    characters: int = 0

    def iterate(self) -> None:
        """Count a turn of the algorithm, a transition or a caught event; raises Exhausted."""
        self.iterations += 1
        if self.iterations > MAX_ITERATIONS:
            raise Exhausted.of("steps were taken", MAX_ITERATIONS)

    def execute(self) -> None:
        """Count an executable element; raises Exhausted."""
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise Exhausted.of("elements were executed", MAX_ELEMENTS)

    def produce(self, characters: int) -> None:
        """Count text that is queued, logged or sent; raises Exhausted."""
        self.characters += characters
        if self.characters > MAX_CHARACTERS:
            raise Exhausted.of("characters were produced", MAX_CHARACTERS)

    def rest(self) -> None:
        """Start a new stretch: the session has come to a waiting state."""
        self.iterations = self.elements = self.characters = 0
