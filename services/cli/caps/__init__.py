"""`paceline cap …`: how many calls a tenant may have at once."""
