"""Native SIP and RTP over UDP: the telephony that rings real phones."""
