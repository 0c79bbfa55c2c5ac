"""`paceline trunk …`: the ways out."""
