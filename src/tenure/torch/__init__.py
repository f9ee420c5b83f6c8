"""PyTorch's names and meanings on Tenure's engine: programs run, or stop where an alias would have decided."""
