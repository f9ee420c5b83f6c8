"""A write through ``.data`` between forward and backward: where it changes PyTorch's gradient the backward stops, and
where it does not the gradient is PyTorch's."""

import os
from typing import Any

import pytest

import tenure.torch as face
from tenure.errors import BorrowError

pytestmark = pytest.mark.peers
FUNCTIONS = {
    "x * y": lambda t, x, y: x * y, "x + y": lambda t, x, y: x + y, "x - y": lambda t, x, y: x - y,
    "x / y": lambda t, x, y: x / y, "x * 2": lambda t, x, y: x * 2.0, "exp": lambda t, x, y: x.exp(),
    "log": lambda t, x, y: x.log(), "sqrt": lambda t, x, y: x.sqrt(), "tanh": lambda t, x, y: x.tanh(),
    "sigmoid": lambda t, x, y: x.sigmoid(), "relu": lambda t, x, y: x.relu(), "sin": lambda t, x, y: x.sin(),
    "pow": lambda t, x, y: x**3, "sum": lambda t, x, y: x.sum() * y, "matmul": lambda t, x, y: x @ y,
    "softmax": lambda t, x, y: x.softmax(0)[:1] * y[0], "cat": lambda t, x, y: t.cat([x, y]),
    "index": lambda t, x, y: x[:2] * y[1:], "cumsum": lambda t, x, y: x.cumsum(0), "neg": lambda t, x, y: -x,
    "view": lambda t, x, y: x.view(3, 1).t() * y, "square": lambda t, x, y: x * x,
    "abs": lambda t, x, y: x.abs(), "clamp": lambda t, x, y: x.clamp(0.6, 1.4), "prod": lambda t, x, y: x.prod(),
    "gather": lambda t, x, y: x[t.tensor([0, 2, 2])], "stack": lambda t, x, y: t.stack([x, y]).sum(0) * 2,
}  # fmt: skip


def gradients(t, function, kind: str, written: str):
    """Gradients of the leaves; ``kind`` says what is an operand of the function, ``written`` what is written."""
    w = t.tensor([0.5, 1.0, 1.5], requires_grad=True)
    v = t.tensor([1.5, 0.75, 2.0], requires_grad=kind != "constant")
    x, y = (w, v) if kind == "leaf" else (w * 1, v * 1)
    z = function(t, x, y)
    if written:
        {"x": x, "y": y, "z": z}[written].data.mul_(-1.5)
    (z.sum() if kind == "leaf" else (z + 1).sum()).backward()
    return [None if p.grad is None else p.grad.tolist() for p in (w, v)]


@pytest.mark.parametrize("kind", ["leaf", "result", "constant"] if os.environ.get("TENURE_FUZZ") else ["result"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_pytorch_computes_from_new_elements_is_stopped_and_nothing_else(name, kind) -> None:
    import torch

    function = FUNCTIONS[name]
    before = gradients(torch, function, kind, "")
    for written in "xyz":
        after = gradients(torch, function, kind, written)
        if after == before:
            found = gradients(face, function, kind, written)
            assert [g and pytest.approx(g, rel=1e-5) for g in after] == found
        else:
            with pytest.raises(BorrowError, match="TN506"):
                gradients(face, function, kind, written)


def test_memory_that_numpy_writes_is_seen_too() -> None:
    with face.aliasing("pytorch"):
        x, w = face.tensor([2.0, 1.0]), face.ones(2, requires_grad=True)
        n = x.numpy()
        z, total = x * w, x + w
        n[0] = 5.0
        total.sum().backward()
        with pytest.raises(BorrowError, match="TN506"):
            z.sum().backward()


def test_a_function_of_ones_own_beside_silent_writes() -> None:
    """A step of a Function has no name; the check of a backward passes over it."""

    class Twice(face.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return 2 * x

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return 2 * grads[0] + 0 * ctx.saved_tensors[0]

    w = face.ones(2, requires_grad=True)
    for _ in range(2):
        w.grad = None
        Twice.apply(w).sum().backward()
        w.data.clamp_(-1, 1)
    assert w.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("write", ["t.detach()", "t.data", "t"])
def test_a_gradient_behind_a_written_result_has_the_new_elements(write: str, is_read: bool) -> None:
    """What was computed before the write and after it is one chain of the backward."""
    w = face.arange(3.0).requires_grad_()
    t = w * w
    if is_read:
        t.tolist()
    with face.no_grad():
        eval(write, {"t": t}).fill_(2.0)
    (t * w.sum()).sum().backward()
    assert w.grad.tolist() == [6.0, 12.0, 18.0]


def test_a_silent_write_of_another_graph_decides_nothing() -> None:
    w = face.tensor([1.0, 2.0], requires_grad=True)
    other = w * 1
    kept = other * other
    other.data.add_(1)
    y = w * w
    (y * y).sum().backward()
    assert face.autograd.grad(y.sum(), [y])[0].tolist() == [1.0, 1.0]
    with pytest.raises(BorrowError):
        kept.sum().backward()
