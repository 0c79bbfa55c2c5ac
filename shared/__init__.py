"""What the services share; nothing here imports from services."""
