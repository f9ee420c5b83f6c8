"""``tn.autograd.functional`` beside PyTorch: values, forms and graphs."""

from typing import Any

import numpy as np
import pytest

import tenure as tn

RNG = np.random.default_rng(0)
A, X, Y = (RNG.standard_normal(shape) for shape in ((3, 4), 4, 3))


def results(lib: Any) -> list[Any]:
    """Every function, of one input and of two."""
    functional = lib.autograd.functional
    m, x, y = (lib.tensor(a) for a in (A, X, Y))

    def vector(x: Any) -> Any:
        return (m @ x).tanh()

    def pair(x: Any, y: Any) -> Any:
        return (m @ x) * y, (x**2).sum() + y[0]

    def single(x: Any, y: Any) -> Any:
        return ((m @ x * y) ** 2).sum()

    w = lib.tensor(X, requires_grad=True)
    functional.hessian(lambda x: (x**3).sum(), w, create_graph=True).sum().backward()
    both = (x, y)
    return [
        functional.jacobian(vector, x),
        functional.jacobian(pair, both),
        functional.jacobian(vector, x, strategy="forward-mode", vectorize=True),
        functional.hessian(single, both),
        functional.hessian(lambda x: (x**3).sum(0, keepdim=True), x),
        functional.vjp(vector, x, y),
        functional.vjp(single, both),
        functional.vjp(pair, both, (y, x[0])),
        functional.jvp(vector, x, x),
        functional.jvp(pair, both, both),
        functional.vhp(single, both, both),
        functional.hvp(single, both, both),
        functional.hvp(lambda x: (x**3).sum(), x, x),
        w.grad,
    ]


def flat(found: Any) -> list[Any]:
    """Arrays, and the lengths of tuples before their items."""
    if isinstance(found, tuple | list):
        return [len(found), *[part for item in found for part in flat(item)]]
    assert not found.requires_grad
    return [found.numpy()]


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_results_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = flat(results(tn)), flat(results(torch))
    assert [np.shape(a) for a in ours] == [np.shape(b) for b in theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_what_is_refused() -> None:
    functional, x = tn.autograd.functional, tn.ones(2)
    with pytest.raises(TypeError, match="jacobian: inputs .* number 1 is 2"):
        functional.jacobian(lambda x, n: x, (x, 2))
    with pytest.raises(tn.ShapeError, match=r"one element, not shape \(2,\)"):
        functional.hessian(lambda x: x, x)
    for function in (functional.vjp, functional.jvp, functional.hvp):
        with pytest.raises(tn.ShapeError, match="v may be left out only where"):
            function(lambda x: x * x, x)
    with pytest.raises(ValueError, match="chunk_size is None or an int from 1 on"):
        tn.vmap(lambda x: x, chunk_size=0)
