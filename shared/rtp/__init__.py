"""RTP without sockets: packets, timing, codecs and keys as functions and small machines (RFC 3550, 4733)."""
