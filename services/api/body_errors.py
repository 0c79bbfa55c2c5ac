"""Why a request's parameters could not be read: the sender's fault in each case, and nothing was changed."""

from shared.domain.errors import PacelineError


class UnreadableBody(PacelineError):
    """The parameters of this request cannot be read (400)."""


class UnsupportedBody(UnreadableBody):
    """The request's body is of a kind that this service does not read (415)."""


class BodyTooLarge(PacelineError):
    """The request is larger than this service takes (413)."""


class BodyTooSlow(UnreadableBody):
    """The request's body did not arrive in time (408)."""
