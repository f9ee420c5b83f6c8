"""Transformations of programs: derivatives in both modes, batching, narrowing, recomputation."""
