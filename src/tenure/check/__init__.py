"""The static borrow checker. It reads programs, runs nothing, and imports nothing of the engine."""
