"""Callees that exist only in memory: the telephony that rings nobody."""
