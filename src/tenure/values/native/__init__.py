"""Fast paths in generated code; the twin of each in Python stands in another room."""
