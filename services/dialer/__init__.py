"""Redis to telephony to Postgres, and from Postgres to the campaign's result_url."""
