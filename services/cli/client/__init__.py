"""The client of a running platform: what a person does with campaigns over the public API."""
