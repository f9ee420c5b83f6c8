"""Random programs run by PyTorch and by the face, statement by statement.

    python -m tests.torch.law plain 0 500            aliasing("pytorch"): equal after every statement
    python -m tests.torch.law wide 0 500 --safe      what is printed, and what can be read, is equal, or the face stops
    python -m tests.torch.law models 17 1 --small    the statements that it takes to differ
"""

import sys

from tests.torch.law.runner import run

kind, first, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
mode = "safe" if "--safe" in sys.argv else "pytorch"
counts, differing = run(kind, range(first, first + number), mode, "--small" in sys.argv)
for seed, found, source in differing:
    print(f"seed {seed}: {found[:400]}", *source, sep="\n    ")
print(kind, mode, dict(counts), len(differing), "differ:", [seed for seed, *_ in differing])
