"""The two servers, Postgres and Redis, started from installed packages."""
