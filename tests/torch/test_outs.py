"""``out=``: of each dtype, layout and overlap it has PyTorch's numbers, or is refused where PyTorch refuses it."""

from __future__ import annotations

import itertools
import os
import warnings
from typing import Any

import pytest

import tenure.torch as face

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
CALLS = """
t.add(x, y, out=out)
t.neg(x, out=out)
t.mul(x, 2, out=out)
t.sgn(x, out=out)
t.isneginf(x, out=out)
t.lt(x, y, out=out)
t.where(x > 0, x, y, out=out)
t.frexp(x, out=(out, i))
t.complex(x, y, out=out)
t.sum(x, 0, out=out)
t.sum(x, 0, dtype=t.float64, out=out)
t.prod(x, 1, out=out)
t.std(x, 1, out=out)
t.amax(x, 1, out=out)
t.argmax(x, 1, out=out)
t.any(x, 1, out=out)
t.cumsum(x, 0, out=out)
t.logcumsumexp(x, 0, out=out)
t.softmax(x, 0, out=out)
t.max(x, 1, out=(out, i))
t.sort(x, out=(out, i))
t.topk(x, 2, out=(out, i))
t.matmul(x, y, out=out)
t.mm(x, y, out=out)
t.outer(x[0], y[0], out=out)
t.kron(x, y, out=out)
t.tensordot(x, y, 1, out=out)
t.linalg.inv(x, out=out)
t.linalg.vector_norm(x, out=out)
t.fft.fft(x, out=out)
t.fft.irfft(x, out=out)
t.cat([x, y], out=out)
t.gather(x, 1, k, out=out)
t.index_select(x, 0, k[0], out=out)
t.tril(x, out=out)
t.isin(x, y, out=out)
t.bucketize(x, t.arange(3.0), out=out)
t.nn.functional.gelu(x, out=out)
t.nn.functional.avg_pool2d(x[None], 2, out=out)
t.polygamma(1, y, out=out)
t.linspace(0, 8, 5, out=out)
t.full((3,), 2.5, out=out)
t.arange(3, out=out)
"""
DTYPES = ["float32", "float64", "complex64", "int64", "bool"]
OUTS = {
    "empty": lambda t, x, dtype: t.empty(0, dtype=dtype),
    "one element seen often": lambda t, x, dtype: t.zeros(1, 1, dtype=dtype).expand(3, 3),
    "an operand": lambda t, x, dtype: x,
}


def outcome(t: Any, call: str, out: str, dtype: str) -> Any:
    """The numbers that a call writes and its dtype; the class of its error."""
    x = t.tensor([[1.5, -2.0, 0.25], [0.5, 3.0, -1.0], [2.0, 0.75, 4.0]])
    y, k = x.flip(0).abs(), t.tensor([[0, 2, 1]])
    scope = {"t": t, "x": x, "y": y, "k": k, "i": t.empty(0, dtype=t.int64)}
    scope["out"] = OUTS[out](t, x, getattr(t, dtype))
    try:
        eval(call, scope)
    except (RuntimeError, TypeError):
        return "refused"
    return str(scope["out"].dtype), scope["out"].tolist()


SAME = ["add", "neg", "mul", "sgn", "where", "cumsum", "index_select", "outer", "softmax"]
OF = {"one element seen often": SAME, "an operand": [*SAME, "gather", "kron", "cat", "tril"]}
"""Functions that are given an ``out=`` that shares elements: others resize it in PyTorch, before they read operands."""
NO_KERNEL = {("std", "complex64"), ("irfft", "complex64"), ("cumsum", "bool"), ("linspace", "bool"), ("arange", "bool")}
NO_KERNEL |= {("arange", "complex64")}
"""Functions and dtypes that PyTorch has no kernel for, and the face has."""


@pytest.mark.parametrize("out", OUTS)
def test_what_is_written_is_pytorchs(out: str) -> None:
    found = []
    calls = [c for c in CALLS.split("\n")[1:-1] if out not in OF or c[2:].split("(")[0] in OF[out]]
    for k, (call, dtype) in enumerate(itertools.product(calls, DTYPES if out == "empty" else DTYPES[:1])):
        if (call.split("(")[0].split(".")[-1], dtype) in NO_KERNEL:
            continue
        if out == "empty" and k % 3 and not os.environ.get("TENURE_FUZZ"):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            theirs, ours = outcome(torch, call, out, dtype), outcome(face, call, out, dtype)
        same = theirs == ours or (theirs != "refused" != ours and theirs[0] == ours[0]
                                  and pytest.approx(torch.tensor(theirs[1]).flatten().tolist(), rel=1e-5)
                                  == torch.tensor(ours[1]).flatten().tolist())  # fmt: skip
        if not same:
            found.append(f"{call} {dtype}: {ours}, not {theirs}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["max_pool1d", "avg_pool2d", "max_pool3d", "lp_pool2d"])
def test_poolings_refuse_what_pytorch_refuses(name: str) -> None:
    n = int(name[-2])
    norm = (2.0,) if name.startswith("lp") else ()
    for shape, options in (((0, 3), {}), ((2, 0), {}), ((2, 3), {"stride": 0}), ((2, 3), {"stride": []}), ((0,), {})):
        outcomes = []
        for t in (torch, face):
            try:
                x = t.ones(*shape, *(4,) * n)
                outcomes.append(tuple(getattr(t.nn.functional, name)(x, *norm, 2, **options).shape))
            except RuntimeError:
                outcomes.append("refused")
        assert outcomes[0] == outcomes[1], (shape, options, outcomes)
