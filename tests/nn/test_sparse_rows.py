"""Laws of sparse gradients: they stand for whole ones, cost used rows only, and are owned as other gradients are."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn, optim
from tenure.nn import functional as F
from tenure.runtime.native import LINUX
from tenure.values.run.force import COUNTS

INDEX = tn.tensor([[1, 4, 1], [0, 1, 4]])


def table(sparse: bool = True, **options: Any) -> nn.Embedding:
    return nn.Embedding(6, 2, sparse=sparse, _weight=tn.arange(12.0).reshape(6, 2) / 10, **options)


def bags(mode: str) -> Callable[..., tn.Tensor]:
    return lambda e: F.embedding_bag(INDEX, e.weight, mode=mode, sparse=e.sparse, padding_idx=4).sin().sum()


def normed(e: Any) -> tn.Tensor:
    return F.embedding(INDEX, e.weight, max_norm=0.5, sparse=e.sparse).sin().sum()


def graph_of_a_gradient(e: Any) -> tn.Tensor:
    (g,) = tn.autograd.grad(e(INDEX).pow(3).sum(), e.weight, create_graph=True)
    return (g.to_dense() if e.sparse else g).pow(2).sum()


USES: dict[str, Callable[[Any], tn.Tensor]] = {
    "rows": lambda e: e(INDEX).sin().sum(),
    "padding": lambda e: F.embedding(INDEX, e.weight, padding_idx=-2, sparse=e.sparse).sin().sum(),
    "twice": lambda e: (e(INDEX) * e(INDEX + 1)).sum(),
    "tied": lambda e: (e(INDEX[0]) @ e.weight.T).sin().sum(),
    "sums": bags("sum"),
    "means": bags("mean"),
    "max_norm": normed,
    "computed": lambda e: F.embedding(INDEX, e.weight * 2, sparse=e.sparse).sin().sum(),
    "checkpoint": lambda e: tn.func.checkpoint(lambda i: e(i).sin().sum())(INDEX),
    "vmap": lambda e: tn.vmap(lambda i: e(i).sin().sum())(INDEX).sum(),
    "transform": lambda e: tn.grad(lambda s: (e(INDEX) * s).sin().sum())(tn.tensor(2.0)),
    "second": graph_of_a_gradient,
    "nothing": lambda e: e(tn.tensor([], dtype=tn.int64)).sum(),
}
WHOLE = {"tied", "computed", "vmap"}


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("use", USES)
def test_it_stands_for_the_whole_gradient(use: str, hooked: bool) -> None:
    found = []
    for sparse in (True, False):
        e = table(sparse)
        seen: list[bool] = []
        if hooked:
            e.weight.register_hook(lambda g, seen=seen: (seen.append(g.is_sparse), g * 2)[1])
        for back in (False, True):  # accumulated; then behind a run
            loss = USES[use](e)
            if back:
                loss.item()
            loss.backward()
        g: Any = e.weight.grad
        assert g.is_sparse is (sparse and use not in WHOLE)
        assert len(seen) == hooked * (4 if use == "second" else 2)
        found.append((g.to_dense() if g.is_sparse else g).numpy())
    assert np.allclose(*found, atol=1e-6)


def test_both_kinds_of_use_add_up_in_either_order() -> None:
    uses = [lambda e: e(INDEX).sum(), lambda e: e.weight.sum()]
    for order in (uses, uses[::-1]):
        e = table()
        for use in order:
            use(e).backward()
        assert not e.weight.grad.is_sparse
        assert e.weight.grad.tolist() == [[2.0, 2.0], [4.0, 4.0], [1.0, 1.0], [1.0, 1.0], [3.0, 3.0], [1.0, 1.0]]


def of_table() -> nn.Embedding:
    e = table()
    (e(INDEX) ** 2).sum().backward()
    return e


def stepped(name: str, g: Any = None, **options: Any) -> None:
    e = of_table()
    if g is not None:
        e.weight.grad = g
    getattr(optim, name)(e.parameters(), **options).step()


def test_rows_are_coalesced_printed_copied_and_pickled() -> None:
    e = of_table()
    g: Any = e.weight.grad
    assert (g._nnz(), g.shape, g.is_coalesced(), g.layout is tn.sparse_coo) == (6, (6, 2), False, True)
    assert g._indices().tolist() == [[1, 4, 1, 0, 1, 4]]
    one = g.coalesce()
    assert one.indices().tolist() == [[0, 1, 4]] and np.allclose(one.values(), [[0, 0.2], [1.2, 1.8], [3.2, 3.6]])
    assert repr(one).splitlines()[0] == "tensor(indices=tensor([[0, 1, 4]]),"
    assert repr(one).endswith("\n       size=(6, 2), nnz=3, layout=tenure.sparse_coo)")
    for twin in (copy.deepcopy(e), pickle.loads(pickle.dumps(e)), copy.deepcopy(e).double()):
        assert twin.weight.grad.is_sparse and np.allclose(twin.weight.grad.to_dense(), g.to_dense())
    assert float(g.norm()) == pytest.approx(float(g.to_dense().norm()))
    with pytest.raises(tn.GradientError, match=r"TN804: indices\(\) of rows some of which(.|\n)*coalesce first"):
        g.indices()


def test_the_laws_of_places_hold() -> None:
    w = of_table().weight
    before: Any = w.grad
    was = before.to_dense().tolist()
    w.grad *= 2
    w.grad.div_(4)
    assert before.to_dense().tolist() == was and np.allclose(w.grad.to_dense(), np.array(was) / 2)
    with pytest.raises(tn.StaleBorrowError, match=r"TN597(.|\n)*w\.grad\.div_\(4\)"):
        before.zero_()
    with pytest.raises(tn.WriteError, match="TN594"):
        w.grad.value.mul_(2)  # type: ignore[union-attr]
    last: Any = w.grad
    w.grad = None
    assert w.grad is None and last._nnz() == 6
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        last.mul_(2)


def test_it_is_cleared_clipped_and_assigned() -> None:
    e = of_table()
    whole = e.weight.grad.to_dense()  # type: ignore[union-attr]
    assert float(nn.utils.clip_grad_norm_(e.parameters(), 1.0)) == pytest.approx(float(whole.norm()))
    assert np.allclose(e.weight.grad.to_dense(), whole / whole.norm())  # type: ignore[union-attr]
    nn.utils.clip_grad_value_(e.parameters(), 0.3)
    assert np.allclose(e.weight.grad.to_dense(), (whole / whole.norm()).clip(-0.3, 0.3))  # type: ignore[union-attr]
    e.zero_grad(set_to_none=False)
    assert e.weight.grad._nnz() == 0 and not e.weight.grad.to_dense().any()  # type: ignore[union-attr]
    (e(INDEX) ** 2).sum().backward()
    assert np.allclose(e.weight.grad.to_dense(), whole)  # type: ignore[union-attr]
    e.weight.grad = tn.ones(6, 2)  # type: ignore[assignment]
    e.weight.grad = tn.SparseRows([[5]], [[1.0, 2.0]], (6, 2))  # type: ignore[assignment]
    optim.SGD(e.parameters(), lr=1.0).step()
    assert np.allclose(e.weight[5].detach(), [0.0, -0.9])
    with pytest.raises(tn.ShapeError, match=r"float32\[6, 2\] is given a sparse gradient of float32\[5, 2\]"):
        e.weight.grad = tn.SparseRows([1], [[1.0, 2.0]], (5, 2))  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tn.SparseRows([6], [[1.0]], (6, 1)), r"TN801: SparseRows: index 6 is out of range"),
        (lambda: tn.SparseRows([0], [1.0], (6, 1)), r"TN802: SparseRows: 1 indices and values of shape \[1\]"),
        (lambda: tn.SparseRows([0.5], [1.0], (6,)), "indices of dtype float32"),
        (lambda: of_table().weight.grad * tn.ones(2), "mul: sparse rows and a number, not a tensor of shape"),
        (lambda: np.asarray(of_table().weight.grad), "no array"),
        (lambda: of_table().weight.grad.clamp(1, 2), "the others are zero"),  # type: ignore[union-attr]
        (lambda: table(scale_grad_by_freq=True)(INDEX), "TN804: embedding: scale_grad_by_freq does not go"),
        (lambda: F.embedding_bag(INDEX, table().weight, mode="max", sparse=True), "sparse goes with mode='sum'"),
        (lambda: stepped("SGD", weight_decay=0.1), "TN804: SGD: weight_decay does not go with sparse"),
        (lambda: stepped("Adagrad", weight_decay=0.1), "TN804: Adagrad: weight_decay does not go with sparse"),
        (lambda: F.embedding(INDEX, tn.Shared(tn.ones(6, 2))), "a Shared is read by rows: sparse=True"),
        (lambda: F.embedding(INDEX - 1, tn.Shared(tn.ones(6, 2)), sparse=True), "TN801: embedding: index -1 is out"),
        (lambda: optim.SGD([tn.Shared(tn.ones(6, 2))]), "TN804: an optimizer was given a Shared that is no leaf"),
        (lambda: tn.Shared(tn.ones(2), ordered=True, writers=1, requires_grad=True), "an ordered Shared is no leaf"),
        (lambda: stepped("AdamW"), "TN804: AdamW does not support sparse gradients"),
        (lambda: stepped("Muon"), "TN804: Muon does not support sparse gradients"),
        (lambda: stepped("SparseAdam", tn.ones(6, 2)), "TN804: SparseAdam does not support dense gradients"),
    ],
)
def test_bad_input(make: Any, message: str) -> None:
    with pytest.raises((tn.TenureError, ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("sparse", [True, False])
def test_an_index_outside_is_an_error_of_the_step_too(sparse: bool) -> None:
    e = table(sparse, padding_idx=0)
    e(tn.tensor([9])).sum().backward()  # never read
    optim.SGD(e.parameters()).step()
    with pytest.raises(tn.OutOfRange, match="index 9 is out of range"):
        e.weight.sum().item()


def test_new_numbers_of_equal_rows_make_no_program() -> None:
    e, counts = table(), []
    optimizer = optim.SparseAdam(e.parameters())
    for k in range(9):
        optimizer.zero_grad()
        (e(tn.arange(6) % (k % 6 + 1)) ** 2).sum().backward()
        optimizer.step()
        e.weight.sum().item()
        counts.append(COUNTS["programs"])
    assert counts[3] == counts[-1]


@pytest.mark.parametrize(
    ("name", "options"), [("SGD", {"momentum": 0.9}), ("Adagrad", {"maximize": True}), ("SparseAdam", {})]
)
def test_a_shared_leaf_learns_as_a_place_does_and_in_other_processes(name: str, options: dict[str, Any]) -> None:
    start = tn.arange(12.0).reshape(6, 2) / 10
    shared, place = tn.Shared(start, requires_grad=True), nn.Parameter(start)
    one, other = (getattr(optim, name)([p], lr=0.1, **options) for p in (shared, place))

    def step(p: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        F.embedding(INDEX, p, 4, sparse=True).sin().sum().backward()
        optimizer.step()

    for _ in range(3):
        step(shared, one)
        step(place, other)
        one.load_state_dict(copy.deepcopy(one.state_dict()))
    assert shared.value.tolist() == place.tolist() and shared.grad._nnz() == 4  # type: ignore[union-attr]
    if hasattr(os, "fork"):
        step(place, other)
        child = os.fork()
        if not child:
            step(shared, one)
            os._exit(0)
        os.waitpid(child, 0)
        assert shared.value.tolist() == place.tolist()


@pytest.mark.skipif(not LINUX, reason="pages are protected through the C library")
def test_a_step_touches_used_rows_alone() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.optim.used_rows"], capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
