"""PyTorch's names with PyTorch's meaning on Tenure's engine: programs run, or stop where an alias would have decided."""
