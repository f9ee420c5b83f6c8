"""Recording: traces, the recorder of a thread, cuts, and the arguments of operations."""
