"""`paceline token …`: make, list and end the tokens of a tenant, by the database itself."""
