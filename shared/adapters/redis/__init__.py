"""Redis: the doorbell and the scoreboard."""
