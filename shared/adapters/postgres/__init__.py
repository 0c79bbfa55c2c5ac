"""Postgres: named queries, numbered migrations, and the repositories over them."""
