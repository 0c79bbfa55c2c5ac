"""`paceline policy …` and `paceline caller-id …`: what a tenant may call, and as whom."""
