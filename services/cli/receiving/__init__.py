"""A receiver of results, as a customer would write one: for `paceline listen` and the demonstration."""
