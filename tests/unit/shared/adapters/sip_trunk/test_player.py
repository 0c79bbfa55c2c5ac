"""The queue of prompts of one call."""

from dataclasses import dataclass, field

from shared.adapters.sip_trunk.player import FRAME_BYTES, SILENT_FRAME, Player, Prompt


@dataclass
class Scene:
    """A player and what it said."""

    over: list[tuple[int, bool]] = field(default_factory=list)
    player: Player = field(init=False)

    def __post_init__(self) -> None:
        self.player = Player(lambda play_id, whole: self.over.append((play_id, whole)))

    def add(self, play_id: int, *, frames: float = 2, bargein: bool = True, made: bool = True) -> Prompt:
        """Add a prompt of so many frames."""
        sound = bytes([play_id]) * int(frames * FRAME_BYTES) if made else None
        prompt = Prompt(play_id=play_id, bargein=bargein, sound=sound)
        self.player.add(prompt)
        return prompt


def test_prompts_follow_one_another_without_a_gap_and_a_rest_is_filled_with_silence() -> None:
    """One and a half frames, then one: three frames."""
    scene = Scene()
    scene.add(1, frames=1.5)
    scene.add(2, frames=1)
    frames = [scene.player.frame() for _ in range(4)]
    assert frames == [
        b"\1" * FRAME_BYTES,
        b"\1" * (FRAME_BYTES // 2) + SILENT_FRAME[FRAME_BYTES // 2 :],
        b"\2" * FRAME_BYTES,
        None,
    ]
    assert scene.over == [(1, True), (2, True)]


def test_a_prompt_that_is_not_made_yet_holds_up_those_behind_it() -> None:
    """Order is what was asked for."""
    scene = Scene()
    late = scene.add(1, made=False)
    scene.add(2)
    assert scene.player.frame() is None
    assert scene.over == []
    late.sound = b"\1" * FRAME_BYTES
    assert scene.player.frame() == b"\1" * FRAME_BYTES
    assert scene.player.frame() == b"\2" * FRAME_BYTES


def test_a_prompt_without_sound_is_over_at_its_turn() -> None:
    """What could not be had is passed over, whole."""
    scene = Scene()
    scene.add(1, frames=0)
    scene.add(2)
    assert scene.player.frame() == b"\2" * FRAME_BYTES
    assert scene.over == [(1, True)]


def test_a_key_silences_up_to_the_first_prompt_that_goes_on() -> None:
    """The next frame is that prompt's."""
    scene = Scene()
    scene.add(1)
    scene.add(2)
    scene.add(3, bargein=False)
    scene.add(4)
    scene.player.frame()
    scene.player.key_pressed()
    assert scene.over == [(1, False), (2, False)]
    assert scene.player.frame() == b"\3" * FRAME_BYTES
    scene.player.key_pressed()
    assert scene.over == [(1, False), (2, False)]


def test_stop_cuts_everything_and_forgetting_says_nothing() -> None:
    """A prompt that the end of the call cut never ended."""
    scene = Scene()
    scene.add(1, bargein=False)
    scene.add(2)
    scene.player.stop()
    assert scene.over == [(1, False), (2, False)]
    scene.add(3)
    scene.player.forget()
    assert not scene.player.busy
    assert scene.over == [(1, False), (2, False)]
