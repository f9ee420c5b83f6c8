"""What library calls do to their arguments: the tables and their one form, `Effect`."""
