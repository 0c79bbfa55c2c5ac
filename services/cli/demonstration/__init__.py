"""The demonstration of `make run`: a campaign through the public API, with everything it needs brought along."""
