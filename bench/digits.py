"""The example program beside PyTorch: examples/digits.py as it is, and with only its imports changed.

Seconds of training in processes of their own, by turns; the median of five. Both learn the same task, not the same
weights, so the accuracies are shown and have to be near each other.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fresh.examples import source

ROUNDS = 5
RESULT = re.compile(r"([\d.]+)% of .* after (\d+) steps in ([\d.]+) s")


def run(library: str, folder: Path) -> tuple[float, float]:
    """Accuracy in percent and steps a second of a training."""
    path = folder / "digits.py"
    for name in ("digits", "training"):
        (folder / f"{name}.py").write_text(source(name, library))
    out = subprocess.run([sys.executable, path], cwd=folder, check=True, capture_output=True, text=True).stdout
    found = RESULT.search(out)
    assert found, out
    return float(found[1]), int(found[2]) / float(found[3])


def main() -> None:
    """Print the table."""
    found: dict[str, list[tuple[float, float]]] = {"tenure": [], "torch": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name in found:
                found[name].append(run(name, Path(folder)))
    speed = {name: statistics.median(s for _, s in runs) for name, runs in found.items()}
    for name, runs in found.items():
        print(f"{name:8}{speed[name]:8.0f} steps/s   accuracy {statistics.median(a for a, _ in runs):.1f} %")
    print(f"tenure is {speed['tenure'] / speed['torch']:.1f} times as fast")


if __name__ == "__main__":
    main()
