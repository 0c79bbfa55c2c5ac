"""Seals the secrets that must be read back: webhook keys and trunk passwords."""
