"""`paceline check`: whether everything that must be true of the database is."""
