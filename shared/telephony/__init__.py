"""The telephony port: place a call, whoever carries it, and follow its events."""
