"""Text of a diagnostic in rustc's form: plain, in colour, or as HTML. Standard library only."""
