"""The fence."""

from shared.domain.fence import fence_of


def test_a_lease_has_one_name_and_no_other_has_it() -> None:
    """The same attempt and epoch always say the same Call-ID; another epoch, attempt or key never does."""
    name = fence_of(b"key", attempt_id=1, epoch=1)
    assert name == fence_of(b"key", attempt_id=1, epoch=1)
    others = {
        fence_of(b"key", attempt_id=1, epoch=2),
        fence_of(b"key", attempt_id=2, epoch=1),
        fence_of(b"other", attempt_id=1, epoch=1),
        fence_of(b"key", attempt_id=11, epoch=1),
    }
    assert name not in others
    assert len(others) == 4


def test_a_fence_is_safe_in_a_sip_header() -> None:
    """It is 32 lower-case letters and digits, which RFC 3261 takes as a word."""
    assert fence_of(b"key", attempt_id=7, epoch=3).isalnum()
    assert len(fence_of(b"key", attempt_id=7, epoch=3)) == 32
