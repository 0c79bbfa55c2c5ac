"""Playing what is queued to its end, where no input counts (VoiceXML 2.0, 4.1.8)."""

from shared.voicexml.context import InterpreterContext
from shared.voicexml.effects import Play, Unheard
from shared.voicexml.waits import Draining, Steps


def drain(context: InterpreterContext) -> Steps[None]:
    """Play the queued prompts to their end, if anybody is there; no key counts meanwhile (4.1.8)."""
    prompts = context.prompts.take_all()
    segments = tuple(segment for prompt in prompts for segment in prompt)
    lengths = tuple(map(len, prompts))
    if segments and context.alone:
        context.emit(Unheard(segments=segments, lengths=lengths))
    elif segments:
        play_id = context.new_id()
        context.emit(Play(play_id=play_id, segments=segments, bargein=False, lengths=lengths))
        yield Draining(play_id=play_id)
