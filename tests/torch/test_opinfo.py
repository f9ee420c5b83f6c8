"""A selection of PyTorch's database of operations, a few samples each; all of it with TENURE_FUZZ=1."""

from __future__ import annotations

import os
import warnings

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
SELECTION = """
add clamp sum max gather cat matmul linalg.solve nn.functional.cross_entropy
"""


def test_operations_give_pytorchs_results_gradients_and_writes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tests.torch.opinfo import DTYPES, in_scope, op_db, run

        wanted, most = SELECTION.split(), 1
        if os.environ.get("TENURE_FUZZ"):
            wanted, most = [op.name for op in op_db() if in_scope(op)], 12
        dtypes = DTYPES if most > 1 else (torch.float64,)
        tallies = [(op, run(op, most, 60, dtypes)) for op in op_db() if op.name in wanted]
    passed = sum(tally.passed for _, tally in tallies)
    wrong = [f"{op.name}: {tally.example}" for op, tally in tallies
             if {"numbers", "gradient", "shape", "dtype", "value", "type"} & set(tally.failed)]  # fmt: skip
    missing = [op.name for op, tally in tallies if tally.missing is not None]
    failed = sum(n for _, tally in tallies for kind, n in tally.failed.items() if kind != "error")
    assert passed >= 0.99 * (passed + failed), [tally.example for _, tally in tallies if tally.failed]
    assert len(missing) <= 0.02 * len(tallies), missing
    assert os.environ.get("TENURE_FUZZ") or not wrong, wrong
