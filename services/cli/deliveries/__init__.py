"""`paceline delivery …`: results on their way to their receivers, through the public API."""
