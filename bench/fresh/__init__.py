"""Programs that are new to a library: graphs that never recur, long programs at their first calls, first steps."""
