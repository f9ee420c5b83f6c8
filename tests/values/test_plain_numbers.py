"""Functions given plain Python numbers for all their tensors: what tensors of no axes give, or one clear error."""

from __future__ import annotations

import ast
import itertools
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.tensor.composite import composite
from tenure.values.trace import record
from tests import driving

TENSORS = frozenset(driving.MADE) - {"v", "g", "state", "f", "pull", "line", "z3", "o3", "rows", "n"}
NUMBERS = {"whole": (2, 1, 3), "mixed": (1, 0.5, 3), "bools": (True, False, True)}
KINDS = list(NUMBERS) if os.environ.get("TENURE_FUZZ") else ["mixed"]
OTHERWISE = ("tn.is_tensor", "tn.checkpoint", "tn.move", "tn.Shared", "tn.random.choice", "tn.io.")
OTHERWISE += ("tn.random.permutation", "tn.vjp(lambda")
"""What asks for tensors, calls a function of the user, or takes a number as a size."""
ONE_TENSOR = "at least one a tensor"


class Numbers(ast.NodeTransformer):
    """Numbers in place of names of tensors, bare or each as a tensor of no axes."""

    def __init__(self, numbers: tuple[float, ...], as_tensors: bool) -> None:
        self.numbers, self.as_tensors = itertools.cycle(numbers), as_tensors

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in TENSORS:
            return node
        number = repr(next(self.numbers))
        return ast.parse(f"tn.tensor({number})" if self.as_tensors else number, mode="eval").body


def calls() -> Iterator[str]:
    """Good calls of functions whose arguments are names of tensors and other literals."""
    for line in driving.WRITTEN:
        call = ast.parse(line, mode="eval").body
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith(("tn.", "F.")):
            names = {node.id for a in (*call.args, *call.keywords) for node in ast.walk(a) if type(node) is ast.Name}
            parts = any(f"{name}{sign}" in line for name in TENSORS for sign in ".[")
            if names & TENSORS and not parts and not line.startswith(OTHERWISE):
                yield line


def outcome(line: str, numbers: tuple[float, ...], as_tensors: bool) -> Any:
    """The arrays that a call gives, or its error."""
    tree = ast.fix_missing_locations(Numbers(numbers, as_tensors).visit(ast.parse(line, mode="eval")))
    code = compile(tree, "<numbers>", "eval")
    tn.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = eval(code, driving.context(code.co_names))
            return [np.asarray(x) for x in (found if isinstance(found, tuple | list) else [found])]
    except Exception as error:
        return error


@pytest.mark.parametrize("kind", KINDS)
def test_plain_numbers_are_tensors_of_no_axes(kind: str) -> None:
    wrong = []
    for line in calls():
        bare, tensors = (outcome(line, NUMBERS[kind], as_tensors) for as_tensors in (False, True))
        if isinstance(bare, Exception):
            clear = isinstance(bare, tn.TenureError | TypeError | ValueError) and not isinstance(bare, tn.InternalError)
            same = isinstance(tensors, Exception) or ONE_TENSOR in str(bare)
            if not (clear and same):
                wrong.append(f"{line}: {type(bare).__name__}: {bare}")
        elif isinstance(tensors, Exception):
            wrong.append(f"{line}: {bare}, of tensors {type(tensors).__name__}: {tensors}")
        elif [(x.dtype, str(x.tolist())) for x in bare] != [(x.dtype, str(x.tolist())) for x in tensors]:
            wrong.append(f"{line}: {bare}, of tensors {tensors}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("a", "b", "dtype"), [(2, 3, tn.int64), (2, 0.5, tn.float32), (0.5, 3, tn.float32)])
def test_numbers_within_a_composite(a: float, b: float, dtype: tn.DType) -> None:
    """Two numbers that meet no tensor have the default dtypes of their kinds."""
    sums = composite("sums", lambda x, n: (n * b, n + b, n * b * x))
    product, total, scaled = record.apply(sums, (tn.tensor([4.0]),), (), (a,))
    assert (product.item(), total.item()) == (a * b, a + b)
    assert product.dtype is total.dtype is dtype
    assert scaled.tolist() == [a * b * 4.0]
