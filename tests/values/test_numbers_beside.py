"""Numbers and nested lists beside a tensor of float64 are not rounded to float32, whoever they are given to."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional
from tests import driving

NAMES = {"x": (2, 3), "y": (2, 3), "m": (3, 3), "o3": (3,), "z": (2,)}
"""Names in the good calls, and the shapes of what stands for them here."""


def drawn(name: str) -> Any:
    return tn.tensor(np.random.default_rng(len(name)).uniform(0.1, 0.9, NAMES[name]))


def flat(result: Any) -> list[Any]:
    if isinstance(result, list | tuple):
        return [z for part in result for z in flat(part)]
    return [np.array(result.tolist())] if isinstance(result, tn.Tensor) else []


def calls() -> Iterator[tuple[ast.Call, ast.Name]]:
    """Good calls with two such names, and each argument that is one of them."""
    for line in driving.WRITTEN:
        call = ast.parse(line, mode="eval").body
        if not isinstance(call, ast.Call) or not line.startswith(("tn.", "F.")):
            continue
        parts = [*call.args, *[k.value for k in call.keywords]]
        given = [part for part in parts if isinstance(part, ast.Name) and part.id in NAMES]
        yield from ((call, part) for part in given[: len(given) if len(given) > 1 else 0])


def run(call: ast.Call, name: ast.Name, stands: Any) -> list[Any]:
    """The call with something in place of one argument."""
    known = {k: make() for k, make in driving.MADE.items() if k in "bri"} | {k: drawn(k) for k in NAMES}
    old, name.id = name.id, "given"
    try:
        code = compile(ast.Expression(call), "call", "eval")
        return flat(eval(code, {"tn": tn, "F": functional, **known, "given": stands}))
    finally:
        name.id = old


CALLS = list(calls())[:: 1 if os.environ.get("TENURE_FUZZ") else 8]


def test_functions_take_them_as_they_take_tensors() -> None:
    compared = 0
    for call, name in CALLS:
        number = tn.tensor(0.3, dtype=tn.float64)
        for stands, plain in [(drawn(name.id), drawn(name.id).tolist()), (number, 0.3)]:
            try:
                wanted, found = run(call, name, stands), run(call, name, plain)
            except (tn.TenureError, TypeError, ValueError, NameError):
                continue
            compared += len(found)
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13, err_msg=ast.unparse(call))
    assert compared > 20


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "complex128", "float32"])
def test_a_place_takes_nested_numbers_as_numpy_does(dtype: str) -> None:
    numbers: list[Any] = [1, 2] if dtype == "int8" else [0.1, 0.2]
    wanted = np.array(numbers, dtype).tolist()
    v = tn.zeros(2, dtype=dtype).mut()
    v[:] = numbers
    assert v.tolist() == wanted
    v.data[:] = [0, 0]
    v.data[0:2] = numbers
    assert v.tolist() == wanted == tn.zeros(2, dtype=dtype).at[:].set(numbers).tolist()


def test_a_place_refuses_nested_numbers_as_it_refuses_one() -> None:
    v = tn.zeros(2, dtype=tn.int8).mut()
    for wrong in ([0.5, 1.0], [300, 1], [1j, 1], [tn.tensor(1.5), 1], [tn.tensor(1), 1]):
        with pytest.raises(tn.DTypeError):
            v[:] = wrong
    assert v.tolist() == [0, 0]


def test_what_is_nested_keeps_float64() -> None:
    a = np.array([0.1])
    for data in ([a, a], [0.5, a[0]], [tn.tensor(a), [0.5]], [[tn.tensor(a[0]), 0.1]]):
        assert tn.tensor(data).dtype == tn.float64
        assert 0.1 in np.array(tn.tensor(data).tolist())
    assert tn.tensor([1j, a[0]]).dtype == tn.complex128
    assert tn.tensor([0.1, np.float32(0.1)]).dtype == tn.float32


def test_a_distribution_scores_them_in_its_dtype() -> None:
    p = tn.tensor([0.2, 0.7], dtype=tn.float64)
    for d in (tn.distributions.Exponential(p), tn.distributions.Normal(p, p), tn.distributions.Kumaraswamy(p, p)):
        for x in (0.1, [0.1, 0.3]):
            assert d.log_prob(x).tolist() == d.log_prob(tn.tensor(x, dtype=tn.float64)).tolist()
            assert d.cdf(x).tolist() == d.cdf(tn.tensor(x, dtype=tn.float64)).tolist()
