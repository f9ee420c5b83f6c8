"""PyTorch programs on the face beside PyTorch: the whole process, and a run when all is known, in CPU seconds.

    python bench/torch_programs.py [names]

Each program of `tests/torch/programs` runs several times in a process of its own: "process" is imports, compiling and
the first run, "again" a run when all has been seen. Ratios are PyTorch's time over Tenure's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from harness.children import keep_bytecode

PROGRAMS = Path(__file__).parent.parent / "tests" / "torch" / "programs"
TWICE = """
import io, contextlib, os, runpy, sys, time
path, face = sys.argv[1], sys.argv[2] == "face"
if face:
    from tenure.torch import install
    install()
sys.path.insert(0, os.path.dirname(path))
def run():
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(path, run_name="__main__")
sys.argv = [path]
run()
first = time.process_time()
for _ in range(4):
    whole = time.process_time()
    run()
print(first, time.process_time() - whole)
"""


def measured(name: str, side: str) -> tuple[float, float]:
    """CPU seconds of the process up to the end of the first run, and of the fifth run; medians of three."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", TWICE, str(PROGRAMS / f"{name}.py"), side]
    found = []
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        found.append([float(x) for x in done.stdout.split()])
    whole, again = (statistics.median(column) for column in zip(*found, strict=True))
    return whole, again


def main(names: list[str]) -> None:
    """Print a line for each program, and the medians."""
    keep_bytecode()
    rows = []
    print(f"{'program':28} {'process: PyTorch':>17} {'face':>7} {'ratio':>6}", end=" ")
    print(f"{'again: PyTorch':>15} {'face':>7} {'ratio':>6}")
    for name in names or sorted(path.stem for path in PROGRAMS.glob("*.out")):
        (whole, again), (mine, second) = measured(name, "torch"), measured(name, "face")
        rows.append((whole / mine, again / second))
        print(f"{name:28} {whole:17.2f} {mine:7.2f} {rows[-1][0]:6.2f} {again:15.3f} {second:7.3f} {rows[-1][1]:6.2f}")
    for k, what in enumerate(("process", "again")):
        found = [row[k] for row in rows]
        print(f"{what}: median {statistics.median(found):.2f}, faster in {sum(r > 1 for r in found)} of {len(found)}")


if __name__ == "__main__":
    main(sys.argv[1:])
