"""HTTP to Postgres: the public API, one room per dialect over one core."""
