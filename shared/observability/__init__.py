"""The metrics catalogue and the logs."""
