"""Initializers that write a pattern, or random numbers of a structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import nn


def place(*shape: int) -> Any:
    """A parameter of some shape."""
    return nn.Parameter(tn.full(shape, 7.0))


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (2, 3, 2), (1, 5), (5, 1)])
def test_an_orthogonal_matrix_has_orthonormal_rows_or_columns(shape: Any) -> None:
    p = place(*shape)
    assert nn.init.orthogonal_(p, 3.0, tn.Generator(1)) is p
    flat = p.detach().numpy().reshape(shape[0], -1) / 3.0
    small = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    assert_allclose(small, np.eye(len(small)), atol=1e-6)
    again = nn.init.orthogonal_(place(*shape), 3.0, tn.Generator(1))
    assert again.tolist() == p.tolist()


def test_orthogonal_matrices_are_not_biased() -> None:
    signs = [np.sign(nn.init.orthogonal_(place(3, 3), generator=tn.Generator(k)).tolist()) for k in range(64)]
    assert np.abs(np.mean(signs, axis=0)).max() < 0.5


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 1.0])
def test_a_sparse_matrix_has_so_many_zeros_a_column(sparsity: float) -> None:
    p = nn.init.sparse_(place(10, 50), sparsity, 2.0, tn.Generator(3)).detach().numpy()
    assert ((p == 0).sum(axis=0) == np.ceil(sparsity * 10)).all()
    assert sparsity == 1.0 or 1.7 < p[p != 0].std() < 2.3
    assert sparsity in (0.0, 1.0) or len({tuple(np.flatnonzero(c)) for c in p.T}) > 5


@pytest.mark.peers
@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        ("eye_", (3, 5), ()),
        ("eye_", (4, 2), ()),
        ("dirac_", (3, 2, 4), ()),
        ("dirac_", (4, 3, 3, 2), (2,)),
        ("dirac_", (6, 2, 1, 2, 3), (3,)),
        ("dirac_", (2, 0, 3), ()),
    ],
)
def test_patterns(name: str, shape: Any, args: Any) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (getattr(lib.nn.init, name)(lib.ones(*shape), *args) for lib in (Places, torch))
    assert ours.tolist() == theirs.tolist()


class Places:
    """The library with places for tensors."""

    nn = nn
    ones = staticmethod(place)


@pytest.mark.peers
def test_gains() -> None:
    torch = pytest.importorskip("torch")
    for name in ("conv_transpose2d", "linear", "sigmoid", "selu", "tanh", "relu", "leaky_relu"):
        assert nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    assert nn.init.calculate_gain("leaky_relu", 1) == torch.nn.init.calculate_gain("leaky_relu", 1)


def test_refusals() -> None:
    for make, words in (
        (lambda: nn.init.eye_(place(3)), "eye_: a place of shape"),
        (lambda: nn.init.dirac_(place(3, 3)), "dirac_: a place of shape"),
        (lambda: nn.init.dirac_(place(3, 3, 3), 2), "2 groups do not divide 3"),
        (lambda: nn.init.orthogonal_(place(3)), "fewer than two axes"),
        (lambda: nn.init.sparse_(place(3), 0.5), "no matrix"),
        (lambda: nn.init.orthogonal_(tn.ones(2, 2)), "TN594"),  # type: ignore[type-var]
    ):
        with pytest.raises(tn.TenureError, match=words):
            make()
    with pytest.raises(ValueError, match="sparsity is a fraction from 0 to 1"):
        nn.init.sparse_(place(3, 3), 1.5)
