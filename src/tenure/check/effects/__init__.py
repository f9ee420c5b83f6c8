"""Effects of library calls on their arguments: the tables and their one form, `Effect`."""
