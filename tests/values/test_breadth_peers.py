"""PyTorch's calls for shape, contraction and creation, letter for letter: the same numbers, dtypes and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

CALLS = """
x.repeat(2, 1); x.repeat((1, 2, 2)); x.repeat_interleave(2, dim=1); x.repeat_interleave(r, dim=0)
x.repeat_interleave(2); t.repeat_interleave(r); x.repeat_interleave(r, dim=0, output_size=1); t.tile(x, (2, 2))
x.tile(3); x.flip(0); x.flip(0, 1); x.flip(dims=(1,)); t.flip(x, dims=[0]); t.fliplr(x); t.flipud(x)
t.rot90(x, 3, [0, 1]); t.rot90(x, k=-1, dims=(1, 0)); t.roll(x, 1); t.roll(x, shifts=(1, -1), dims=(0, 1))
x.roll(2, 1); x.t(); v.t(); x.unflatten(1, (3, 1)); x.unflatten(dim=-1, sizes=(-1, 3)); x.ravel(); x.movedim(0, 1)
t.movedim(b, (0, 2), (1, 0)); x.swapaxes(0, 1); t.swapdims(b, 0, 2); x.unsqueeze(dim=-1); x.permute(dims=(1, 0))
t.permute(b, (2, 0, 1)); x.reshape(shape=(3, 2)); b.unfold(2, 2, 1); b.unfold(dimension=1, size=2, step=2)
x.unfold(1, 3, 9); x.expand_as(b); x.view_as(x.t()); x.reshape_as(x.t()); x.narrow(1, 1, 2); t.narrow(x, 1, -2, 1)
x.select(1, -1); x.unbind(); x.unbind(dim=1); t.unbind(b, 2); t.tensor_split(v, 2); t.tensor_split(x, (1, 5), dim=1)
x.tensor_split(4, 1); x.split(2, dim=1); x.split([1, 2], 1); t.split(x, split_size_or_sections=1)
x.split_with_sizes([2, 1], 1); t.hsplit(x, 3); t.hsplit(v, [1]); t.vsplit(x, 2); t.dsplit(b, [1]); x.chunk(2, 1)
t.hstack((x, x)); t.vstack([v, x]); t.row_stack([v, v]); t.dstack([x, x]); t.column_stack([v, m]); t.hstack([v, v])
t.concatenate([x, x], dim=1); t.block_diag(x, v, t.tensor(2.0)); t.atleast_1d(t.tensor(1.0)); t.atleast_2d(v)
t.atleast_3d(x); t.atleast_2d(v, x); t.broadcast_tensors(x, v); t.meshgrid(v, v, indexing="ij")
t.meshgrid([v, v], indexing="xy"); t.cartesian_prod(v, v); t.cartesian_prod(v); t.combinations(v)
t.combinations(v, r=3, with_replacement=True); t.combinations(v, 4); x.tril(); x.triu(diagonal=1); t.tril(b, -1)
t.triu(m, 1); t.tril_indices(3, 4, 1); t.triu_indices(row=2, col=3, offset=-1); t.diag(v); t.diag(v, 1); t.diag(m, -1)
t.diagflat(x, 1); t.diag_embed(x); t.diag_embed(x, offset=-1, dim1=0, dim2=2); t.diag_embed(b, 1, -4, 1); m.trace()
t.trace(x); t.broadcast_shapes((2, 1), (3,)); x.take_along_dim(i, dim=1); x.take_along_dim(i); x.where(x > 0, 0.0)
x.masked_scatter(x > 0, b); x.index_put((r, r), v[:2]); x.index_put((r,), v, accumulate=True); x.new_zeros(2, 3)
x.new_full((2,), 3); i.new_tensor([1, 2]); x.new_ones((2, 1), dtype=t.int64); i.new_full((2,), 7); i.type_as(x)
t.outer(v, v); t.ger(v, v[:2]); t.dot(v, v); t.vdot(v, v); t.inner(x, v); t.inner(x, m); v.inner(v); t.mv(x, v)
x.mv(v); t.mm(x, m); x.mm(m); t.bmm(b, b.transpose(1, 2)); x.addmm(x, m, beta=0.5, alpha=2); t.addmm(v, x, m)
t.addmv(v[:2], x, v); t.addr(x, v[:2], v, alpha=3); t.baddbmm(x[None, :, :2], b, b.transpose(1, 2), beta=0)
t.kron(x, m); t.kron(v, x); t.addbmm(x[:, :2], b, b.transpose(1, 2)); t.chain_matmul(x, m, m)
t.tensordot(b, m[:2], dims=2); t.tensordot(x, m, 1); t.tensordot(b, x, dims=([1, 2], [0, 1]))
t.cross(x, m[:2], dim=1); t.cross(m, m.flip(0), dim=0); t.einsum("bij,jk->bik", b, m); t.einsum("...j,kj", b, m)
t.einsum("ii", m); t.einsum("i,j", [v, v]); t.einsum("...ij->ij", b); t.einsum(x, [0, 1], m, [1, 2], [2, 0])
t.einsum(x, [0, 1], v, [1]); t.einsum(b, [..., 0], v, [0], [...]); t.cdist(x, m); t.cdist(x, x); t.cdist(b, m, p=1)
t.cdist(x, x, p=1.0); t.cdist(x, m, p=3.0); t.cdist(x, x, p=3.0); t.cdist(x, m, p=0.5); t.cdist(x, x, p=1.5)
t.cdist(x, m, p=float("inf")); t.cdist(x, x, p=0.0); t.cdist(m, m, compute_mode="donot_use_mm_for_euclid_dist")
t.full((2,), 3); t.arange(1, 7, 2); t.arange(end=3); t.linspace(-1, 1, steps=5); t.logspace(0, 2, 5)
t.logspace(start=-1, end=1, steps=3, base=2.0, dtype=t.float64); t.eye(2, 3); t.full_like(x, 2, dtype=t.int64)
t.zeros(size=(2, 1)); t.numel(x); x.nelement(); x.ndimension(); x.element_size(); x.itemsize; t.is_tensor(x)
t.is_floating_point(i); x.is_floating_point(); x.sum(dim=1).max(dim=0)
(x > 0).nonzero(as_tuple=True); i.nonzero(as_tuple=False); t.tensor(2.0).sum(dim=0)
t.select_scatter(x, v[:2], 1, -2); x.slice_scatter(x[:, :2], dim=1, end=3, step=2); x.slice_scatter(v[None], 0, -1, 9)
t.diagonal_scatter(x, v[:2], 1); x.diagonal_scatter(v[:1], -1); b.diagonal_scatter(b[:, 0, :2], 0, 2, 0)
t.put(x, i[:1, :2], x[:1, 1:]); x.put(r, v[:2], accumulate=True); x.index_reduce(1, r, x[:, :2], "prod")
x.index_reduce(0, r, x, "mean", include_self=False); t.index_reduce(x, 0, r, x, reduce="amax"); t.cov(x); x.cov()
t.cov(v); t.cov(x, correction=0, fweights=t.tensor([1, 2, 3])); t.cov(x, aweights=t.tensor([0.5, 2.0, 1.0]))
t.corrcoef(x); v.corrcoef(); t.dist(x, v); x.dist(v, 1); t.renorm(x, 2, 0, 1.5); b.renorm(p=1, dim=1, maxnorm=2.0)
t.gradient(x); t.gradient(m, spacing=0.5, dim=1, edge_order=2); t.gradient(x, spacing=[2.0, 0.5], edge_order=1)
t.gradient(m, spacing=(v.sort(dim=0)[0].detach(),), dim=(0,)); i.is_signed(); t.is_nonzero(t.tensor([2.0]))
t.hann_window(7, dtype=t.float64); t.hann_window(6, False); t.hamming_window(5, True, 0.6, 0.4); t.hann_window(1)
t.blackman_window(6, periodic=False); t.bartlett_window(5); t.kaiser_window(6, True, beta=4.0); t.hamming_window(0)
t.special.log_ndtr(9 * x); t.mvlgamma(x.abs() + 2, 3); v.detach().abs().igamma(v.abs()); t.special.softmax(x, 1)
t.tensor(2.0).argmax(dim=-1); t.tensor(2.0).max(dim=0); t.tensor(2.0).transpose(0, -1)
"""
WRITES = """
p.index_put_((r, r), v[:2]); p.index_put_((r,), v, accumulate=True); p.masked_scatter_(p > 0, b); p.tril_(); p.triu_(1)
p.index_put_((r,), v, True); p.index_reduce_(1, r, x[:, :2], "amax"); p.put_(r, v[:2]); p.renorm_(1, 0, 1.0)
"""


def lines(text: str) -> list[str]:
    return [call.strip() for call in text.replace("\n", ";").split(";") if call.strip()]


def operands(t: Any, leaf: bool) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    shapes = {"x": (2, 3), "m": (3, 3), "v": (3,), "b": (2, 2, 3)}
    made = {name: rng.normal(size=shape).astype("f4") for name, shape in shapes.items()}
    found = {n: t.tensor(a, requires_grad=leaf) for n, a in made.items()}
    return {"t": t, "i": t.tensor([[0, 2, 1], [1, 1, 0]]), "r": t.tensor([0, 1]), **found}


def flat(found: Any) -> list[Any]:
    return [y for x in found for y in flat(x)] if isinstance(found, tuple | list) else [found]


def plain(x: Any) -> Any:
    return x.detach().numpy() if hasattr(x, "detach") else x


@pytest.mark.parametrize("call", lines(CALLS))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_calls(call: str) -> None:
    found = []
    for t in (torch, tn):
        names = operands(t, True)
        out = flat(eval(call, dict(names)))
        given = [x for x in out if getattr(x, "requires_grad", False)]
        if given:
            sum(((x * x * (k + 1)).sum() for k, x in enumerate(given)), t.zeros(())).backward()
        grads = [names[n].grad for n in "xmvb"]
        found.append(([plain(x) for x in out], [None if g is None else plain(g) for g in grads]))
    (theirs, slopes), (ours, own) = found
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours, strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype and np.shape(a) == np.shape(b)
        assert np.allclose(a, b, rtol=1e-4, atol=1e-5)
    for a, b in zip(slopes, own, strict=True):
        assert (a is None or not a.any()) if b is None else np.allclose(0 if a is None else a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("call", lines(WRITES))
def test_writes(call: str) -> None:
    found = []
    for t in (torch, tn):
        names = operands(t, True)
        names["p"] = p = names["x"].clone() if t is torch else (names["x"] * 1).mut()
        eval(call, names)
        (p * p).sum().backward()
        found.append([plain(p), *[np.zeros(1) if names[n].grad is None else plain(names[n].grad) for n in "xvb"]])
    for a, b in zip(*found, strict=True):
        assert np.allclose(a, b, rtol=1e-5)
