"""`paceline webhook …`: try a receiver, and the secret with which results are signed."""
