"""SIP without sockets: datagrams and instants in, effects out (RFC 3261)."""
