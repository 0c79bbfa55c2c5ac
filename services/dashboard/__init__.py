"""The public API and the Redis metrics, shown on one page; no database of its own."""
