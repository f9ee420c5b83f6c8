"""Names of PyTorch's face: the table, its adapter, and what is written by hand."""
