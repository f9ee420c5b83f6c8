"""CONTRIBUTING's recipes, followed in a copy of the sources: each touches the files that it names, and no other."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ops import declared

ROOT = Path(__file__).parent.parent


def recipe(title: str) -> str:
    """A section of CONTRIBUTING.md."""
    (section,) = [
        s for s in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## ") if s.startswith(title)
    ]
    return section


def is_named(path: str, section: str) -> bool:
    """Whether a recipe names a file, or the folder of its family."""
    return f"`{path}`" in section or f"`{Path(path).parent}/`" in section


SOFTSHRINK = {
    "src/tenure/ops/special.py": "\n".join(
        [
            "from tenure.ops.pointwise import absolute, greater",
            "from tenure.ops.selection import Selection",
            inspect.getsource(declared.softshrink),
            "softshrink()",
        ]
    ),
}
TOTAL = {
    "src/tenure/ops/lowering.py": inspect.getsource(declared.Chain),
    "src/tenure/ops/reduce.py": "\n".join(
        [
            "from tenure.ops.lowering import Chain",
            "from tenure.ops.move import flip",
            inspect.getsource(declared.running_total),
            "running_total()",
        ]
    ),
}
TESTS = [
    *[f"tests/ops/test_{name}.py" for name in ("table", "meaning", "traits", "batching")],
    *[f"tests/compile/test_{name}.py" for name in ("programs", "stepwise")],
]


@pytest.mark.parametrize(
    ("name", "recipes", "edits"),
    [
        ("softshrink", ["Add a primitive"], SOFTSHRINK),
        ("running_total", ["Add a primitive", "Add a kind of lowering"], TOTAL),
    ],
)
def test_a_recipe_names_every_file(name: str, recipes: list[str], edits: dict[str, str], tmp_path: Path) -> None:
    section = "".join(map(recipe, recipes))
    assert len(edits) == len(recipes)
    assert all(is_named(path, section) for path in edits)
    for folder in ("src", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "hazards"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, text in edits.items():
        with open(tmp_path / path, "a", encoding="utf-8") as file:
            file.write(f"\n\n{text}\n")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path / 'src'}{os.pathsep}{tmp_path}"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *TESTS,
        "-k",
        f"{name} or every_primitive",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 10
