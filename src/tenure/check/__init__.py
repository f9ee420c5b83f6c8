"""The static borrow checker: reads programs, runs nothing, imports nothing of the engine."""
