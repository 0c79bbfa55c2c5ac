"""`paceline number …`: what was done with a phone number, through the public API."""
