"""`paceline vxml`: an application tried out in the terminal, with no phone."""
