"""Functions of tensors, each of which records a step."""
