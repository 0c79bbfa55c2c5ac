"""VoiceXML sessions in processes of their own."""
