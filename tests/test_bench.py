"""The benchmark: every row gives the same in Tenure and in PyTorch, and its table says what was measured."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "bench"))

from harness import table
from harness.sides import Tenure, Torch
from harness.worker import all_rows, rows_of
from peers import differ

LINES = [
    table.Line("sums", "L2: 2×3", {"tenure": 10.0, "torch": 40.0, "jax": 20.0}),
    table.Line("sums", "L3: 4×3", {"tenure": 10.0, "jax": 5.0}, {"torch": "no such op"}),
    table.Line("other", "1: 1", {"jax": 5.0}, {"tenure": "wrong beside jax: result 0 differs"}),
]


def test_ratios() -> None:
    assert [line.best for line in LINES] == ["jax"] * 3
    assert [line.ratio for line in LINES] == [2.0, 0.5, None]
    assert table.mean_ratio(LINES) == 1.0
    assert math.isnan(table.mean_ratio([]))
    assert table.behind(LINES) == ["sums (L3: 4×3): 0.50, jax"]
    assert table.missing(LINES) == [
        "torch, n/a: no such op: sums (L3: 4×3)",
        "tenure, n/a: wrong beside jax: result 0 differs: other (1: 1)",
    ]


def test_the_measured_part_of_a_page_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    rows = [table.head(["tenure", "jax"]), *[table.cells(line, ["tenure", "jax"]) for line in LINES]]
    table.rewrite(page, table.markdown(rows))
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{table.BEGIN}\n\n| row | size | tenure, µs | jax, µs | best peer |")
    assert "| sums | L2: 2×3 | 10 | 20 | jax | 2.00 |\n" in text
    assert "| other | 1: 1 | n/a | 5 | jax | – |\n\n<!-- end -->\nafter\n" in text
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no part between"):
        table.rewrite(page, "")


def test_disagreement_is_seen() -> None:
    x = np.array([1.0, 2.0])
    assert not differ([x], [x + 1e-7], 1e-6)
    assert "differs by" in differ([x], [x + 1e-3], 1e-6)
    assert "differs by" in differ([x], [x * np.nan], 1e-6)
    assert "shape" in differ([x], [np.ones(3)], 1e-6)
    assert "2 results" in differ([x, x], [x], 1e-6)


COMPARED: dict[str, Any] = {**all_rows(), **rows_of("lookups")}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("name", [k for k, row in COMPARED.items() if "torch" not in (row.not_in or ())])
def test_a_row_is_the_same_computation_in_both(name: str) -> None:
    pytest.importorskip("torch")
    row: Any = COMPARED[name]
    found = []
    for side in (Tenure(), Torch()):
        side.start(2)
        step = row.plain(side, *row.inputs(np.random.default_rng(0), *next(iter(row.sizes.values()))))
        for _ in range(2):
            results = step()
            side.wait(results)
        found.append(row.compared([side.numpy(x) for x in results]))
    assert not differ(*found, row.tolerance)
