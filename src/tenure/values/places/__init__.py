"""Places: whatever can be written, and by whom: borrows, loans, parts, moves."""
