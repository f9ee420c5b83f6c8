"""Shape, contraction and creation by tables of good calls: NumPy's numbers, gradients by finite differences, twice, and
one example at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tenure as tn

RNG = np.random.default_rng(5)
X, Y, Z = (RNG.normal(size=shape) for shape in ((2, 3, 4), (2, 3, 4), (3, 4)))
SQUARE, VECTOR, OTHER, CUBE = (RNG.normal(size=shape) for shape in ((4, 4), (4,), (4,), (3, 3, 3)))

CALLS = {
    # name: the call of the library, the call of NumPy, the arrays
    "flip of two axes": (lambda x: x.flip(0, 1), lambda x: np.flip(x, (0, 1)), X),
    "fliplr": (tn.fliplr, np.fliplr, X),
    "flipud": (tn.flipud, np.flipud, X),
    **{
        f"rot90 {k}": (lambda x, k=k: tn.rot90(x, k, (0, 2)), lambda x, k=k: np.rot90(x, k, (0, 2)), X)
        for k in range(-1, 4)
    },
    "roll flat": (lambda x: tn.roll(x, 5), lambda x: np.roll(x, 5), X),
    "roll": (lambda x: x.roll((1, -6), (0, 2)), lambda x: np.roll(x, (1, -6), (0, 2)), X),
    "roll twice": (lambda x: tn.roll(x, shifts=(1, 1), dims=(1, 1)), lambda x: np.roll(x, (1, 1), (1, 1)), X),
    "movedim": (lambda x: x.movedim((0, 1), (-1, 0)), lambda x: np.moveaxis(x, (0, 1), (-1, 0)), X),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda x: np.swapaxes(x, 0, -1), X),
    "t": (lambda x: x.t(), lambda x: x.T, Z),
    "unflatten": (lambda x: x.unflatten(-1, (2, -1)), lambda x: x.reshape(2, 3, 2, 2), X),
    "ravel": (tn.ravel, np.ravel, X),
    "unsqueeze": (lambda x: x.unsqueeze((0, -1)), lambda x: np.expand_dims(x, (0, -1)), X),
    "tile": (lambda x: tn.tile(x, (2, 1, 3, 1)), lambda x: np.tile(x, (2, 1, 3, 1)), X),
    "tile of fewer": (lambda x: x.tile(2), lambda x: np.tile(x, 2), X),
    "repeat as a whole": (lambda x: x.repeat(2, 1, 1, 3), lambda x: np.tile(x, (2, 1, 1, 3)), X),
    "repeat": (lambda x: tn.repeat(x, 3, axis=1), lambda x: np.repeat(x, 3, 1), X),
    "repeat flat": (lambda x: tn.repeat(x, 2), lambda x: np.repeat(x, 2), X),
    "repeat by a list": (
        lambda x: x.repeat_interleave(tn.tensor([2, 0, 1]), 1), lambda x: np.repeat(x, [2, 0, 1], 1), X,
    ),
    "unfold": (
        lambda x: x.unfold(2, 3, 1), lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, 2), X,
    ),
    "unfold by steps": (
        lambda x: x.unfold(1, 2, 2), lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 1)[:, ::2], X,
    ),
    "broadcast_tensors": (
        lambda x, z: tn.broadcast_tensors(x, z)[1], lambda x, z: np.broadcast_arrays(x, z)[1], X, Z,
    ),
    "meshgrid xy": (
        lambda v, w: tn.stack(tn.meshgrid(v, w, indexing="xy")),
        lambda v, w: np.stack(np.meshgrid(v, w)),
        VECTOR,
        Z[:, 0],
    ),
    "meshgrid ij": (
        lambda v, w: tn.stack(tn.meshgrid(v, w, indexing="ij")),
        lambda v, w: np.stack(np.meshgrid(v, w, indexing="ij")),
        VECTOR,
        Z[:, 0],
    ),
    "hstack": (lambda x, y: tn.hstack([x, y]), lambda x, y: np.hstack([x, y]), X, Y),
    "hstack of lists": (lambda x, y: tn.hstack([x, y]), lambda x, y: np.hstack([x, y]), VECTOR, OTHER),
    "vstack": (lambda x, y: tn.vstack([x, y]), lambda x, y: np.vstack([x, y]), VECTOR, Z),
    "dstack": (lambda x, y: tn.dstack([x, y]), lambda x, y: np.dstack([x, y]), VECTOR, OTHER),
    "column_stack": (lambda x, y: tn.column_stack([x, y]), lambda x, y: np.column_stack([x, y]), VECTOR, SQUARE),
    "concat in a row": (lambda x, y: tn.concat([x, y], axis=None), lambda x, y: np.concatenate([x, y], None), X, Z),
    "unbind": (lambda x: x.unbind(1)[2], lambda x: x[:, 2], X),
    "tensor_split": (lambda x: x.tensor_split(3, 2)[0], lambda x: np.array_split(x, 3, 2)[0], X),
    "tensor_split at": (lambda x: x.tensor_split((1, -1), 2)[1], lambda x: np.array_split(x, (1, -1), 2)[1], X),
    "narrow": (lambda x: x.narrow(2, -3, 2), lambda x: x[:, :, 1:3], X),
    "select": (lambda x: x.select(1, -1), lambda x: x[:, -1], X),
    "take_along_dim of a row": (
        lambda x: x.take_along_dim(tn.tensor([5, 5, 0])), lambda x: np.take_along_axis(x, np.array([5, 5, 0]), None), X,
    ),
    **{f"tril {k}": (lambda x, k=k: x.tril(k), lambda x, k=k: np.tril(x, k), X) for k in (-9, -1, 0, 2, 9)},
    **{f"triu {k}": (lambda x, k=k: tn.triu(x, k=k), lambda x, k=k: np.triu(x, k), X) for k in (-9, -1, 0, 2, 9)},
    **{f"diag {k}": (lambda x, k=k: x.diag(k), lambda x, k=k: np.diag(x, k), VECTOR) for k in (-2, 0, 1)},
    "diag of a matrix": (lambda x: x.diag(1), lambda x: np.diag(x, 1), Z),
    "diagflat": (lambda x: tn.diagflat(x, -1), lambda x: np.diagflat(x, -1), Z),
    "trace": (tn.trace, np.trace, SQUARE),
    "masked_scatter": (
        lambda x, s: x.masked_scatter(tn.tensor(X > 0), s), lambda x, s: _masked(x, s), X, RNG.normal(size=24),
    ),
    "index_put": (
        lambda x, s: x.index_put((tn.tensor([0, 1]), None, tn.tensor([2, 2])), s, accumulate=True),
        lambda x, s: _added(x, s), X, RNG.normal(size=(2, 3)),
    ),
    "kron": (tn.kron, np.kron, Z, X),
    "inner": (tn.inner, np.inner, X, Z),
    "outer": (tn.outer, np.outer, VECTOR, OTHER),
    "dot": (tn.dot, np.dot, VECTOR, OTHER),
    "mv": (tn.mv, np.dot, Z, VECTOR),
    "mm": (tn.mm, np.dot, Z, SQUARE),
    "bmm": (lambda x, y: tn.bmm(x, y.mT), lambda x, y: x @ y.swapaxes(1, 2), X, Y),
    "vecdot": (tn.vecdot, lambda x, z: np.einsum("...i,...i->...", x, z), X, Z),
    "vecdot along": (lambda x, y: tn.vecdot(x, y, axis=1), lambda x, y: (x * y).sum(1), X, Y),
    "cross": (lambda x, y: tn.cross(x, y, dim=1), lambda x, y: np.moveaxis(np.cross(x, y, 1, 1, 1), 0, 0), X, Y),
    "tensordot": (tn.tensordot, np.tensordot, X, RNG.normal(size=(3, 4, 2))),
    "tensordot of pairs": (
        lambda x, y: tn.tensordot(x, y, dims=([0, -1], [0, 2])),
        lambda x, y: np.tensordot(x, y, ([0, -1], [0, 2])),
        X,
        Y,
    ),
    "addmm": (
        lambda a, b, c: tn.addmm(a, b, c, beta=2, alpha=0.5), lambda a, b, c: 2 * a + 0.5 * b @ c, VECTOR, Z, SQUARE,
    ),
    "addbmm": (lambda a, x, y: a.addbmm(x, y.mT), lambda a, x, y: a + np.einsum("bij,bkj->ik", x, y), Z[:, :3], X, Y),
    "chain_matmul": (
        lambda a, b, c: tn.chain_matmul(a, b, b, c), lambda a, b, c: a @ b @ b @ c, Z, SQUARE, RNG.normal(size=(4, 1)),
    ),
}  # fmt: skip
EQUATIONS = {
    "ij,jk": (Z, SQUARE), "ij,jk->ki": (Z, SQUARE), "ij->j": (Z,), "ij->": (Z,), "ba": (Z,), "ii": (SQUARE,),
    "ii->i": (SQUARE,), "iii->i": (CUBE,), "iij->ji": (CUBE,), "i,j->ij": (VECTOR, OTHER), "i,i->i": (VECTOR, OTHER),
    "i,i": (VECTOR, OTHER), "bij,bkj->bik": (X, Y), "...ij,...kj->...ik": (X, Z), "...ij,...kj": (X, Z),
    "i...,i...": (X, Y), "...,...->...": (X, Z), "...i->...": (X,), "ijk,jk->i": (X, Z), "ijk,il->kjl": (X, X[:, 0]),
    "ij,jk,kl,li->": (Z, SQUARE, SQUARE, Z.T), "ij,ik,il->jkl": (Z, Z, Z), "i,j,k->kji": (VECTOR, OTHER, VECTOR),
    "ii,ii->i": (SQUARE, SQUARE), "aij,bij->ab": (X, Y), "ij,kj->ik": (Z, Z[:1]), " i j , j -> i ": (Z, VECTOR),
    "a...b,b...->...a": (X, np.moveaxis(Y, 2, 0)[:, :1]), "...ii->...i": (CUBE,), ",i->i": (np.array(2.0), VECTOR),
    "Ab,bA->A": (Z, Z.T), "ij,jk,k": (Z, SQUARE, VECTOR), "ij,i->j": (Z[:1], Z[:, 0]),
}  # fmt: skip
CALLS |= {
    f"einsum {e!r}": (lambda *xs, e=e: tn.einsum(e, *xs), lambda *xs, e=e: np.einsum(e, *xs), *xs)
    for e, xs in EQUATIONS.items()
}


def _masked(x, s):
    out = x.copy()
    np.place(out, X > 0, s)
    return out


def _added(x, s):
    out = x.copy()
    out[0, :, 2] += s[0]
    out[1, :, 2] += s[1]
    return out


def check(call, oracle, arrays):
    """Numbers, first and second derivative, and the call of each example of two."""
    ans, wanted = call(*map(tn.tensor, arrays)), np.asarray(oracle(*arrays))
    assert ans.shape == wanted.shape
    assert np.allclose(ans.numpy(), wanted, rtol=1e-12, atol=1e-12)
    weights = np.cos(np.arange(wanted.size)).reshape(wanted.shape)

    def scalar(*xs):
        return (call(*xs).square() * tn.tensor(weights)).sum()

    def exact(*xs):
        return float((np.asarray(oracle(*xs)) ** 2 * weights).sum())

    xs, step = [*map(tn.tensor, arrays)], 1e-5
    for k, a in enumerate(arrays):
        d = np.sin(np.arange(a.size) + 1).reshape(a.shape)
        moved = [[b + s * step * d if j == k else b for j, b in enumerate(arrays)] for s in (1, -1)]
        first = tn.grad(scalar, argnums=k)(*xs)
        slope = (exact(*moved[0]) - exact(*moved[1])) / (2 * step)
        assert math.isclose(float((first.numpy() * d).sum()), slope, rel_tol=1e-5, abs_tol=1e-6)
        second = tn.grad(lambda *xs, k=k, d=d: (tn.grad(scalar, argnums=k)(*xs) * tn.tensor(d)).sum(), argnums=k)(*xs)
        slopes = [tn.grad(scalar, argnums=k)(*map(tn.tensor, m)).numpy() for m in moved]
        assert np.allclose(second.numpy(), (slopes[0] - slopes[1]) / (2 * step), rtol=1e-4, atol=1e-5)
    several = [np.stack([a, 2 * a]) for a in arrays]
    each = tn.vmap(call)(*map(tn.tensor, several)).numpy()
    assert np.allclose(each, [call(*map(tn.tensor, pair)).numpy() for pair in zip(*several, strict=True)], rtol=1e-12)


@pytest.mark.parametrize("name", CALLS)
def test_numbers_derivatives_and_examples(name):
    call, oracle, *arrays = CALLS[name]
    check(call, oracle, arrays)


ERRORS = {
    "tn.mm(x, x)": ("ShapeError", "mm", "[2, 3] and [2, 3]"),
    "tn.mm(x, v)": ("ShapeError", "mm", "[3]", "2 axes"),
    "tn.bmm(x[None], x[None])": ("ShapeError", "bmm", "[1, 2, 3] and [1, 2, 3]"),
    "tn.dot(x, v)": ("ShapeError", "dot", "[2, 3]"),
    "tn.outer(x, v)": ("ShapeError", "outer", "[2, 3]"),
    "tn.inner(x, x.t())": ("ShapeError", "inner", "[2, 3] and [3, 2]"),
    "tn.vecdot(x, v[:2])": ("ShapeError", "vecdot", "[2, 3] and [2]"),
    "tn.cross(x, x[:, :2], axis=1)": ("ShapeError", "cross", "[2, 3] and [2, 2]"),
    "tn.cross(tn.ones(3, 3), tn.ones(3, 3))": ("TypeError", "axis=", "dim="),
    "tn.cdist(x, x.t())": ("ShapeError", "cdist", "[2, 3] and [3, 2]"),
    "tn.cdist(x, x, p=-1.0)": ("ShapeError", "cdist", "-1.0"),
    "tn.tensordot(x, x, 1)": ("ShapeError", "tensordot", "[2, 3] and [2, 3]"),
    "tn.tensordot(x, x, 3)": ("ShapeError", "tensordot", "3 axes"),
    "tn.tensordot(x, x, ([5], [0]))": ("OutOfRange", "tensordot", "axis 5"),
    "tn.einsum('ij,jk', x, x)": ("ShapeError", "einsum", "j is 3 and 2", "[2, 3] and [2, 3]"),
    "tn.einsum('ij,jk', x)": ("ShapeError", "einsum", "2 operands"),
    "tn.einsum('ijk', x)": ("ShapeError", "einsum", "'ijk'", "2 axes"),
    "tn.einsum('ij->k', x)": ("ShapeError", "einsum", "'k'"),
    "tn.einsum('ij->ii', x)": ("ShapeError", "einsum", "'i'"),
    "tn.einsum('i1', x)": ("ShapeError", "einsum", "letters"),
    "tn.einsum('i', v > 0)": ("DTypeError", "einsum", "bool"),
    "tn.chain_matmul(x, x)": ("ShapeError", "[2, 3] and [2, 3]"),
    "tn.roll(x, (1, 2), 0)": ("ShapeError", "roll", "2 shifts"),
    "tn.roll(x, 1, 2)": ("OutOfRange", "axis 2", "2 dimensions"),
    "tn.rot90(x, 1, (0, 0))": ("ShapeError", "rot90"),
    "x.movedim(0, 2)": ("OutOfRange", "destination 2"),
    "x.unflatten(1, (2, -1))": ("ShapeError", "unflatten", "3 of axis 1"),
    "x.repeat(2)": ("ShapeError", "repeat", "[2, 3]"),
    "x.repeat_interleave(tn.tensor([1, 2]), 1)": ("ShapeError", "repeat_interleave", "3 parts"),
    "x.unfold(1, 4, 1)": ("ShapeError", "unfold", "4", "3 of axis 1"),
    "tn.meshgrid(v, v)": ("TypeError", "meshgrid", "indexing="),
    "tn.hstack([x, x.t()])": ("ShapeError", "[2, 3] and [3, 2]"),
    "tn.block_diag(x[None])": ("ShapeError", "block_diag", "[1, 2, 3]"),
    "tn.hsplit(x, 2)": ("ShapeError", "hsplit", "3 of axis 1"),
    "tn.vsplit(v, 3)": ("ShapeError", "vsplit", "[3]"),
    "x.narrow(1, 2, 2)": ("OutOfRange", "narrow", "size 3"),
    "x.select(0, 2)": ("OutOfRange", "select", "size 2"),
    "v.tril()": ("ShapeError", "tril", "[3]"),
    "x[None].diag()": ("ShapeError", "diag", "[1, 2, 3]"),
    "x.diag_embed(0, 1, 1)": ("ShapeError", "diag_embed", "axis 1"),
    "v.trace()": ("ShapeError", "trace", "[3]"),
    "x.masked_scatter(x > 0, v[:1])": ("ShapeError", "masked_scatter", "1 elements"),
    "tn.select_scatter(x, v, 1, 0)": ("ShapeError", "select_scatter", "[3]", "[2]"),
    "tn.select_scatter(x, v, 0, 2)": ("OutOfRange", "select_scatter: index 2"),
    "x.slice_scatter(x, step=-1)": ("ShapeError", "slice_scatter", "step of -1"),
    "x.diagonal_scatter(v)": ("ShapeError", "diagonal_scatter", "[3]", "[2]"),
    "x.put(tn.tensor([0, 1]), v)": ("ShapeError", "put", "3 elements for 2"),
    "x.index_reduce(1, tn.tensor([0]), x, 'prod')": ("ShapeError", "index_reduce", "[2, 3]", "[2, 1]"),
    "x.index_reduce(1, tn.tensor([0]), x, 'sum')": ("DTypeError", "index_reduce", "'sum'"),
    "tn.cov(x, aweights=v[:2])": ("ShapeError", "aweights", "[2]", "3 observations"),
    "tn.corrcoef(x[None])": ("ShapeError", "corrcoef", "[1, 2, 3]"),
    "tn.gradient(x, edge_order=2)": ("ShapeError", "gradient", "2 values along axis 0", "3"),
    "tn.gradient(x, spacing=[1.0])": ("ShapeError", "gradient", "1 spacings for 2 axes"),
    "tn.renorm(v, 2, 0, 1.0)": ("ShapeError", "renorm", "[3]"),
    "tn.hann_window(-1)": ("ShapeError", "-1"),
    "tn.hann_window(4, dtype=tn.int64)": ("DTypeError", "hann_window", "int64"),
    "x.expand_as(v[:2])": ("ShapeError", "[2, 3]", "[2]"),
    "tn.addmm(v, x, x.t())": ("ShapeError", "[3]", "[2, 2]"),
}


@pytest.mark.parametrize("call", ERRORS)
def test_errors_name_the_shapes(call):
    kind, *pieces = ERRORS[call]
    names = {"tn": tn, "x": tn.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "v": tn.ones(3)}
    with pytest.raises(TypeError if kind == "TypeError" else getattr(tn, kind)) as caught:
        eval(call, names)
    assert all(piece in str(caught.value) for piece in pieces), str(caught.value)


@pytest.mark.parametrize("call", ["tn.cov(x, aweights=v)", "tn.cov(x, fweights=k)", "loss(v, v, v)"])
def test_what_is_not_negative_is_so_at_the_line_that_uses_it(call):
    names = {"tn": tn, "x": tn.ones(2, 3), "v": tn.tensor([1.0, -1.0, 1.0]), "k": tn.tensor([1, -1, 1])}
    names["loss"] = tn.nn.functional.gaussian_nll_loss
    with pytest.raises(tn.DomainError, match="is -1(.|\n)*-->(.|\n)*it is not negative") as caught:
        eval(compile(call, "user.py", "eval"), names).numpy()
    assert "user.py:1" in str(caught.value)


EXACT = (
    "flip of two axes", "roll", "tile", "repeat", "unfold", "hstack", "vstack", "tril 0", "triu 2", "diag -2", "kron",
    "trace", "inner", "mm", "bmm", "tensordot", "einsum 'ij,jk,k'", "einsum 'iij->ji'", "vecdot",
    "take_along_dim of a row",
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "bool"])
def test_dtypes_are_those_of_numpy(dtype):
    for name in EXACT:
        call, oracle, *arrays = CALLS[name]
        if dtype == "bool" and name in EXACT[10:-1]:
            continue
        arrays = [np.round(3 * a).astype(dtype) for a in arrays]
        ans, wanted = call(*map(tn.tensor, arrays)).numpy(), oracle(*arrays)
        assert np.array_equal(ans, wanted), name
        assert ans.dtype == (np.int64 if name == "trace" and dtype == "int32" else wanted.dtype), name


def test_distances_have_no_gradient_where_points_coincide():
    x = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
    for p in (0.5, 1.0, 1.5, 2.0, 3.0, math.inf):
        a = tn.tensor(x, requires_grad=True)
        (g,) = tn.autograd.grad(tn.cdist(a, tn.tensor(x), p).sum(), a)
        assert np.isfinite(g.numpy()).all()
        hessian = tn.hessian(lambda y, p=p: tn.cdist(y, tn.tensor(x), p).sum())(tn.tensor(x))
        assert np.isfinite(hessian.numpy()).all()
    norms = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    assert np.allclose(tn.cdist(tn.tensor(x), tn.tensor(x)).numpy(), norms)


def test_many_operands_are_contracted_in_a_cheap_order():
    assert tn.einsum("a,b,c,d,e,f->", *[tn.ones(60)] * 6).item() == 60.0**6
