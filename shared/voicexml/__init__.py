"""A VoiceXML interpreter as a plain state machine: events in, effects out."""
