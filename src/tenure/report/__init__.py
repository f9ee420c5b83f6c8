"""What a diagnostic looks like: rustc's form, in plain text, in colour, or as HTML. Standard library only."""
