"""Postgres to Redis: one tick decides, claims and rings; the reaper ends what a dead worker left."""
