"""Where recordings are kept: a folder."""
