"""A retained gradient follows a tensor through its writes: it is the gradient of what was written, as in PyTorch."""

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure.torch as face

WRITES: list[Callable[[Any], Any]] = [
    lambda y: y.mul_(2), lambda y: y.zero_(), lambda y: y.__setitem__(0, 5.0), lambda y: y.__setitem__(..., 1.0),
    lambda y: y[:1].add_(1), lambda y: y.copy_(face.ones(3)), lambda y: y.relu_(), lambda y: y.detach().zero_(),
    lambda y: y.masked_fill_(y > 1, 0.0), lambda y: y.__setitem__(slice(1, 3), y[:2] * 2), lambda y: y.add_(y.exp()),
]  # fmt: skip


@pytest.mark.parametrize("written", WRITES)
def test_a_retained_gradient_is_that_of_what_was_written(written: Callable[[Any], Any]) -> None:
    c = face.tensor([3.0, -1.0, 0.5])
    for again in (False, True):
        w = face.tensor([0.5, 1.0, 2.0], requires_grad=True)
        y = w * 1
        y.retain_grad()
        assert y.retains_grad
        written(y)
        if again:
            written(y)
        (y * c).sum().backward()
        assert y.grad.tolist() == c.tolist()


def test_a_retained_gradient_of_a_view_follows_writes_of_it() -> None:
    w = face.ones(2, requires_grad=True)
    y = w * 1
    y.retain_grad()
    v = y[:1]
    v.retain_grad()
    v.mul_(2)
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3.0]
    assert y.grad.tolist() == [3.0, 0.0]
    assert w.grad.tolist() == [6.0, 0.0]


def test_gradients_before_and_after_a_write_add_up() -> None:
    w = face.ones(2, requires_grad=True)
    y = w * 1
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    y.add_(1)
    y.sum().backward()
    assert y.grad.tolist() == [2.0, 2.0]


KINDS = [lambda w: w, lambda w: w**2, lambda w: w * 1, lambda w: face.nn.Parameter(w.detach())]


@pytest.mark.parametrize("make", KINDS)
def test_files_and_pickles_keep_that_a_gradient_is_required(make: Callable[[Any], Any]) -> None:
    """As in PyTorch a result comes back as a leaf; what a program gave a tensor comes along in a pickle."""
    x = make(face.tensor([1.0, 2.0], requires_grad=True))
    if not x.is_leaf:
        x.retain_grad()
    x.tag = "q"
    file = io.BytesIO()
    face.save({"x": x}, file)
    file.seek(0)
    for y in (face.load(file)["x"], pickle.loads(pickle.dumps(x))):
        assert y.requires_grad and y.is_leaf and y.tolist() == x.tolist() and type(y) is type(x)
    assert pickle.loads(pickle.dumps(x)).tag == "q"


def test_arrays_beside_tensors_in_a_file() -> None:
    file = io.BytesIO()
    face.save({"w": face.ones(2), "d": np.arange(2)}, file)
    file.seek(0)
    found = face.load(file, weights_only=False)
    assert found["w"].tolist() == [1.0, 1.0] and found["d"].tolist() == [0, 1]


@pytest.mark.filterwarnings("ignore:Error detected")
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_an_anomaly_is_the_error_of_the_backward() -> None:
    w = face.tensor([0.25, 0.0], requires_grad=True)
    with face.autograd.detect_anomaly():
        loss = (w.sqrt() * face.tensor([1.0, 0.0])).sum()
        with pytest.raises(RuntimeError, match="nan|inf"):
            loss.backward()
