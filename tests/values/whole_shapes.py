"""Functions of shape and contraction on whole numbers, and the same of Python's integers, for ``test_integers``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tenure as tn

Case = tuple[Callable[..., Any], Callable[..., Any]]


def same(name: str, *args: Any, **kwargs: Any) -> Case:
    """A function of x that NumPy has under its name, with the same arguments."""
    return (
        lambda x, y: getattr(tn, name)(x, *args, **kwargs),
        lambda x, y: getattr(np, name)(x, *args, **kwargs),
    )


def of_list(name: str, oracle: str = "") -> Case:
    """A function of a list of tensors that NumPy has too."""
    return lambda x, y: getattr(tn, name)([x, y]), lambda x, y: getattr(np, oracle or name)([x, y])


def part(name: str, k: int, *args: Any, oracle: Callable[..., Any]) -> Case:
    """One of the tensors that a function of x gives."""
    return lambda x, y: getattr(tn, name)(x, *args)[k], lambda x, y: oracle(x)


def product(name: str, oracle: Callable[..., Any], **kwargs: Any) -> Case:
    """A product of x and y."""
    return lambda x, y: getattr(tn, name)(x, y, **kwargs), oracle


def blocks(x: Any, y: Any) -> Any:
    out = np.zeros((x.shape[0] + y.shape[0], x.shape[1] + y.shape[1]), object)
    out[: x.shape[0], : x.shape[1]], out[x.shape[0] :, x.shape[1] :] = x, y
    return out


def diagonal_of(x: Any) -> Any:
    out = np.zeros((*x.shape, x.shape[-1]), object)
    for k in range(x.shape[-1]):
        out[..., k, k] = x[..., k]
    return out


def written(x: Any, y: Any) -> Any:
    out = x.copy()
    out[[0, 2]] = y[:2]
    return out


def masked(x: Any, y: Any) -> Any:
    out = x.copy()
    out[x > 0] = y.reshape(-1)[: (x > 0).sum()]
    return out


ORDER: dict[str, list[Case]] = {
    "argsort": [(lambda x, y: tn.argsort(x, 1), lambda x, y: np.argsort(x, 1, kind="stable"))],
    "bincount": [(lambda x, y: tn.bincount((x[0] % 3).flatten()), lambda x, y: np.bincount((x[0] % 3).astype(int)))],
    "bucketize": [
        (lambda x, y: tn.bucketize(x, tn.sort(y[0], axis=0)), lambda x, y: np.searchsorted(np.sort(y[0]), x))
    ],
    "isin": [(lambda x, y: tn.isin(x, x[:, 1]) * 1, lambda x, y: np.isin(x, x[:, 1]) * 1)],
    "kthvalue": [(lambda x, y: tn.kthvalue(x, 3, 1).values, lambda x, y: np.sort(x, 1)[:, 2])],
    "median": [
        (lambda x, y: tn.median(x), lambda x, y: np.sort(x, None)[5]),
        (lambda x, y: tn.median(x, dim=1).values, lambda x, y: np.sort(x, 1)[:, 1]),
    ],
    "mode": [(lambda x, y: tn.mode(tn.hstack([x, x[:, 1:2]])).values, lambda x, y: x[:, 1])],
    "msort": [(lambda x, y: tn.msort(x), lambda x, y: np.sort(x, 0))],
    "nanmedian": [(lambda x, y: tn.nanmedian(x, 0, True).values, lambda x, y: np.sort(x, 0)[1:2])],
    "searchsorted": [
        (lambda x, y: tn.searchsorted(tn.sort(x, axis=1), y, side="right"), lambda x, y: behind(np.sort(x, 1), y))
    ],
    "setdiff1d": [(lambda x, y: tn.setdiff1d(x, x[1]), lambda x, y: np.setdiff1d(x, x[1]))],
    "sort": [
        (lambda x, y: tn.sort(x, axis=0), lambda x, y: np.sort(x, 0)),
        (lambda x, y: tn.sort(x, dim=1, descending=True).values, lambda x, y: -np.sort(-x, 1)),
    ],
    "topk": [(lambda x, y: tn.topk(x, 2).values, lambda x, y: -np.sort(-x, 1)[:, :2])],
    "unique": [(lambda x, y: tn.unique(tn.concat([x, x])), lambda x, y: np.unique(x))],
    "unique_all": [(lambda x, y: tn.unique_all(tn.concat([x, x])).values, lambda x, y: np.unique(x))],
    "unique_consecutive": [(lambda x, y: tn.unique_consecutive(tn.stack([x, x]), dim=0), lambda x, y: x[None])],
    "unique_counts": [(lambda x, y: tn.unique_counts(tn.concat([x, x])).values, lambda x, y: np.unique(x))],
    "unique_inverse": [
        (lambda x, y: tn.unique_inverse(x).inverse_indices, lambda x, y: np.searchsorted(np.unique(x), x))
    ],
    "unique_values": [(lambda x, y: tn.unique_values(x), lambda x, y: np.unique(x))],
}


def behind(known: Any, x: Any) -> Any:
    return np.array([np.searchsorted(row, wanted, "right") for row, wanted in zip(known, x, strict=True)])


def put(x: Any, y: Any) -> Any:
    out = x.copy()
    out.flat[[5, 0]] = y[0, :2]
    return out


def on_the_diagonal(x: Any, y: Any) -> Any:
    out = x.copy()
    out[[0, 1, 2], [0, 1, 2]] = y[0, :3]
    return out


SHAPES: dict[str, list[Case]] = ORDER | {
    "atleast_1d": [same("atleast_1d")],
    "atleast_2d": [(lambda x, y: tn.atleast_2d(x[0]), lambda x, y: x[:1])],
    "atleast_3d": [same("atleast_3d")],
    "block_diag": [(lambda x, y: tn.block_diag(x, y), blocks)],
    "broadcast_arrays": [(lambda x, y: tn.broadcast_arrays(x[:1], y)[0], lambda x, y: x[[0, 0, 0]])],
    "broadcast_tensors": [(lambda x, y: tn.broadcast_tensors(x[:1], y)[0], lambda x, y: x[[0, 0, 0]])],
    "cartesian_prod": [
        (
            lambda x, y: tn.cartesian_prod(x[0], y[0]),
            lambda x, y: np.array([[a, b] for a in x[0] for b in y[0]], object),
        )
    ],
    "clone": [(lambda x, y: tn.clone(x), lambda x, y: x)],
    "column_stack": [of_list("column_stack")],
    "combinations": [
        (
            lambda x, y: tn.combinations(x[0], 2),
            lambda x, y: np.array([[x[0, i], x[0, j]] for i in range(4) for j in range(i + 1, 4)], object),
        )
    ],
    "concatenate": [of_list("concatenate")],
    "diag": [same("diag")],
    "diag_embed": [(lambda x, y: tn.diag_embed(x), lambda x, y: diagonal_of(x))],
    "diagonal_scatter": [(lambda x, y: tn.diagonal_scatter(x, y[0, :3]), on_the_diagonal)],
    "as_strided": [(lambda x, y: tn.as_strided(x, (2, 2), (4, 1), 1), lambda x, y: x[:2, 1:3])],
    "as_strided_scatter": [
        (lambda x, y: tn.as_strided_scatter(x, y[1], (4,), (1,), 4), lambda x, y: np.stack([x[0], y[1], x[2]])),
    ],
    "diagflat": [(lambda x, y: tn.diagflat(x[0]), lambda x, y: diagonal_of(x[0]))],
    "dsplit": [(lambda x, y: tn.dsplit(x[None], 2)[1], lambda x, y: x[None, :, 2:])],
    "dstack": [of_list("dstack")],
    "fliplr": [same("fliplr")],
    "flipud": [same("flipud")],
    "hsplit": [part("hsplit", 1, 2, oracle=lambda x: x[:, 2:])],
    "hstack": [of_list("hstack")],
    "index_put": [(lambda x, y: tn.index_put(x, (tn.tensor([0, 2]),), y[:2]), written)],
    "masked_scatter": [(lambda x, y: tn.masked_scatter(x, x > 0, y), masked)],
    "meshgrid": [
        (lambda x, y: tn.meshgrid(x[0], y[0], indexing="ij")[1], lambda x, y: np.broadcast_to(y[0], (4, 4)))
    ],
    "moveaxis": [same("moveaxis", 0, 1)],
    "movedim": [(lambda x, y: tn.movedim(x, 0, 1), lambda x, y: x.T)],
    "narrow": [(lambda x, y: tn.narrow(x, 1, 1, 2), lambda x, y: x[:, 1:3])],
    "permute": [(lambda x, y: tn.permute(x, (1, 0)), lambda x, y: x.T)],
    "ravel": [same("ravel")],
    "put": [(lambda x, y: tn.put(x, tn.tensor([5, 0]), y[0, :2]), put)],
    "repeat": [same("repeat", 2, axis=0)],
    "repeat_interleave": [(lambda x, y: tn.repeat_interleave(x, 2, dim=1), lambda x, y: np.repeat(x, 2, 1))],
    "roll": [same("roll", 1, 0)],
    "rot90": [same("rot90")],
    "row_stack": [of_list("row_stack", "vstack")],
    "scalar_tensor": [(lambda x, y: tn.scalar_tensor(2**30 + 1, dtype=x.dtype), lambda x, y: np.array(2**30 + 1))],
    "select": [(lambda x, y: tn.select(x, 0, 1), lambda x, y: x[1])],
    "select_scatter": [(lambda x, y: tn.select_scatter(x, y[0], 0, 1), lambda x, y: np.stack([x[0], y[0], x[2]]))],
    "slice_scatter": [(lambda x, y: tn.slice_scatter(x, y[:2], 0, 1), lambda x, y: np.concatenate([x[:1], y[:2]]))],
    "split_with_sizes": [part("split_with_sizes", 1, [1, 2], oracle=lambda x: x[1:])],
    "swapaxes": [same("swapaxes", 0, 1)],
    "swapdims": [(lambda x, y: tn.swapdims(x, 0, 1), lambda x, y: x.T)],
    "t": [(lambda x, y: tn.t(x), lambda x, y: x.T)],
    "tensor_split": [part("tensor_split", 1, 2, oracle=lambda x: x[2:])],
    "tile": [same("tile", (2, 1))],
    "trace": [(lambda x, y: tn.trace(x // 16), lambda x, y: np.diagonal(x // 16).sum())],
    "tril": [same("tril", 1)],
    "vander": [(lambda x, y: tn.vander(x[0], 2), lambda x, y: np.vander(x[0], 2))],
    "triu": [same("triu", -1)],
    "unbind": [part("unbind", 2, oracle=lambda x: x[2])],
    "unflatten": [(lambda x, y: tn.unflatten(x, 1, (2, 2)), lambda x, y: x.reshape(3, 2, 2))],
    "unstack": [part("unstack", 2, oracle=lambda x: x[2])],
    "vsplit": [part("vsplit", 1, 3, oracle=lambda x: x[1:2])],
    "vstack": [of_list("vstack")],
    "addbmm": [
        (
            lambda x, y: tn.addbmm(x @ y.mT, x[None], y.mT[None], beta=3, alpha=2),
            lambda x, y: 3 * (x @ y.T) + 2 * (x @ y.T),
        )
    ],
    "addmm": [(lambda x, y: tn.addmm(x @ y.mT, x, y.mT, beta=3), lambda x, y: 4 * (x @ y.T))],
    "addmv": [(lambda x, y: tn.addmv(x[:, 0], x, y[0], alpha=2), lambda x, y: x[:, 0] + 2 * (x @ y[0]))],
    "addr": [(lambda x, y: tn.addr(x, x[:, 0], y[0]), lambda x, y: x + np.outer(x[:, 0], y[0]))],
    "baddbmm": [(lambda x, y: tn.baddbmm((x @ y.mT)[None], x[None], y.mT[None]), lambda x, y: 2 * (x @ y.T)[None])],
    "bmm": [(lambda x, y: tn.bmm(x[None], y.mT[None]), lambda x, y: (x @ y.T)[None])],
    "chain_matmul": [(lambda x, y: tn.chain_matmul(x, y.mT, x), lambda x, y: x @ y.T @ x)],
    "cross": [
        (
            lambda x, y: tn.cross(x[0, :3], y[0, :3]),
            lambda x, y: np.array(
                [x[0, i] * y[0, j] - x[0, j] * y[0, i] for i, j in ((1, 2), (2, 0), (0, 1))], object
            ),
        )
    ],
    "dot": [(lambda x, y: tn.dot(x[0], y[0]), lambda x, y: x[0] @ y[0])],
    "einsum": [(lambda x, y: tn.einsum("ij,kj->ki", x, y), lambda x, y: y @ x.T)],
    "ger": [(lambda x, y: tn.ger(x[0], y[0]), lambda x, y: np.outer(x[0], y[0]))],
    "inner": [product("inner", lambda x, y: x @ y.T)],
    "kron": [product("kron", np.kron)],
    "mm": [(lambda x, y: tn.mm(x, y.mT), lambda x, y: x @ y.T)],
    "mv": [(lambda x, y: tn.mv(x, y[0]), lambda x, y: x @ y[0])],
    "outer": [(lambda x, y: tn.outer(x[0], y[0]), lambda x, y: np.outer(x[0], y[0]))],
    "tensordot": [(lambda x, y: tn.tensordot(x, y, ([1], [1])), lambda x, y: x @ y.T)],
    "vdot": [(lambda x, y: tn.vdot(x[0], y[0]), lambda x, y: x[0] @ y[0])],
    "vecdot": [(lambda x, y: tn.vecdot(x, y), lambda x, y: (x * y).sum(1))],
    "aminmax": [(lambda x, y: tn.aminmax(x, dim=1).max, lambda x, y: x.max(1))],
    "count_nonzero": [(lambda x, y: tn.count_nonzero(x - x[:, :1], 1), lambda x, y: ((x - x[:, :1]) != 0).sum(1))],
    "cummax": [(lambda x, y: tn.cummax(x, 1).values, lambda x, y: np.maximum.accumulate(x, 1))],
    "cummin": [(lambda x, y: tn.cummin(x, 0).values, lambda x, y: np.minimum.accumulate(x, 0))],
    "cumprod": [same("cumprod", 1)],
    "cumsum": [same("cumsum", 0)],
    "cumulative_prod": [(lambda x, y: tn.cumulative_prod(x, 1), lambda x, y: np.cumprod(x, 1))],
    "cumulative_sum": [(lambda x, y: tn.cumulative_sum(x, 1), lambda x, y: np.cumsum(x, 1))],
    "diff": [same("diff", 2, 1), (lambda x, y: tn.diff(x, prepend=y), lambda x, y: np.diff(x, prepend=y))],
    "nansum": [(lambda x, y: tn.nansum(x, 1), lambda x, y: x.sum(1))],
    "prod": [same("prod", 1), (lambda x, y: tn.prod(x), lambda x, y: np.prod(x))],
}
"""Calls on tensors x and y of large whole numbers, and the same of Python's integers."""
