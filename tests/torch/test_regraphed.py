"""After a write PyTorch makes the graph of a view anew, from the base: values, gradients and flags are its own.

`regraphed.txt` has a program behind each line `# title`.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

import tenure.torch as face
from tenure.torch.cells.aliasing import aliasing

pytestmark = pytest.mark.peers
PARTS = re.split(r"(?m)^# ", Path(__file__).with_name("regraphed.txt").read_text(encoding="utf-8"))[1:]
PROGRAMS = dict([part.split("\n", 1) for part in PARTS])


def left(library, source: str) -> dict:
    """What a program leaves: elements, gradient and flags of each name, and the class of its error."""
    scope, found = {"torch": library}, {}
    try:
        exec(source, scope)
    except RuntimeError as error:
        found["error"] = str(error)[:60]
    for name, t in scope.items():
        if isinstance(t, library.Tensor):
            grad = None if t.grad is None else t.grad.tolist()
            found[name] = t.detach().tolist(), grad, t.requires_grad, t.is_leaf
    return found


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_view_has_the_graph_that_pytorch_makes_anew(title):
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = left(torch, PROGRAMS[title])
        with aliasing("pytorch"):
            assert left(face, PROGRAMS[title]) == theirs
