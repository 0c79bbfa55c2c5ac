"""The command line: everything a person does with Paceline without a browser."""
