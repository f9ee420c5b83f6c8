"""Random programs run by PyTorch and by the face, statement by statement.

    python -m tests.torch.law plain 0 500            aliasing("pytorch"): equal after every statement
    python -m tests.torch.law wide 0 500 --safe      what is printed, and what can be read, is equal, or the face stops
    python -m tests.torch.law models 17 1 --show     the statements of one program
"""

import sys

from tests.torch.law.runner import run

kind, first, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
mode = "safe" if "--safe" in sys.argv else "pytorch"
counts, differing = run(kind, range(first, first + number), mode)
for seed, found, source in differing:
    print(f"seed {seed}: {found[:400]}", *(source if "--show" in sys.argv else source[-6:]), sep="\n    ")
print(kind, mode, dict(counts), len(differing), "differ:", [seed for seed, *_ in differing])
