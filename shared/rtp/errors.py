"""What the RTP engine refuses."""


class RtpError(Exception):
    """Something that the RTP engine refuses."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.message)


class BadPacket(RtpError):
    """The bytes are not an RTP or RTCP packet that can be used; drop them and count."""


class BadTone(RtpError):
    """A key or a level given by our own side does not exist."""
