"""The platform on one machine: its processes started, watched, restarted and stopped."""
