"""Checks of collectives against NumPy, on all ranks at once."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

import numpy as np

import tenure as tn
from tenure.distributed import algorithms, all_gather, all_gather_object, all_reduce, all_to_all, broadcast, rank, size
from tests.distributed.jobs import check

dist = tn.distributed
GROUPS = [dist.new_group(range(n)) for n in range(1, size() + 1)] + [dist.new_group(range(size() - 1, 0, -1))]
"""Groups of all sizes; in the last the first rank of the job is missing."""
MINE = [g for g in GROUPS if g.rank >= 0]
DTYPES = [tn.bool, tn.uint8, tn.int64, tn.float16, tn.bfloat16, tn.float32, tn.float64, tn.complex64]
SHAPES: list[tuple[int, ...]] = [(), (0,), (3,), (5, 7), (33_333,)]


def numbers(shape: tuple[int, ...], seed: int, dtype: Any = tn.float32) -> Any:
    """Whole numbers small enough for sums to be exact in any dtype, the same on all ranks."""
    found = np.random.default_rng(seed).integers(0, 4, shape)
    return tn.tensor(found).to(dtype)


def exact(x: Any) -> Any:
    return x.to(tn.complex128).numpy() if x.dtype is tn.complex64 else x.to(tn.float64).numpy()


def parts(g: Any, shape: tuple[int, ...], dtype: Any = tn.float32) -> list[Any]:
    return [numbers(shape, 1000 + r, dtype) for r in g.ranks]


@check
def test_sums_of_all_dtypes_shapes_and_groups() -> None:
    for g in MINE:
        for k, dtype in enumerate(DTYPES):
            for shape in SHAPES if g.size == size() else SHAPES[(k + g.size) % len(SHAPES) :][:1]:
                xs = parts(g, shape, dtype)
                found = all_reduce(xs[g.rank], group=g)
                wanted = np.sum([exact(x) for x in xs], axis=0)
                wanted = wanted.astype(bool) if dtype is tn.bool else wanted
                assert found.dtype is dtype and found.shape == shape
                np.testing.assert_array_equal(exact(found), wanted, f"{g.size} {dtype} {shape}")


@check
def test_other_reductions() -> None:
    ways: dict[str, Any] = {"product": np.multiply, "max": np.maximum, "min": np.minimum, "and": np.bitwise_and,
                            "or": np.bitwise_or, "xor": np.bitwise_xor}  # fmt: skip
    for g in MINE:
        for op, way in ways.items():
            xs = parts(g, (9, 5), tn.int64)
            wanted = way.reduce([x.numpy() for x in xs])
            np.testing.assert_array_equal(all_reduce(xs[g.rank], op, group=g).numpy(), wanted)
        xs = parts(g, (7,))
        np.testing.assert_allclose(all_reduce(xs[g.rank], "mean", group=g).numpy(), np.mean([x.numpy() for x in xs], 0))


@check
def test_the_sum_is_that_of_the_tree() -> None:
    """In one block, and in blocks of 4 kB."""
    for g, n, block in [(g, *case) for g in MINE for case in ((5, algorithms.BLOCK), (50_000, 1 << 12))]:
        with mock.patch.object(algorithms, "BLOCK", block):
            rng = np.random.default_rng(n)
            xs = (rng.standard_normal((size(), n)) * 10.0 ** rng.integers(-4, 4, (size(), n))).astype(np.float32)

            def total(lo: int, hi: int, xs: Any = xs, g: Any = g) -> Any:
                if hi - lo == 1:
                    return xs[g.ranks[lo]]
                m = lo + 2 ** ((hi - lo - 1).bit_length() - 1)
                return total(lo, m) + total(m, hi)

            found = all_reduce(tn.tensor(xs[rank()]), group=g).numpy()
            assert found.tobytes() == total(0, g.size).tobytes()


@check
def test_gathers_and_exchanges() -> None:
    for g in MINE:
        for dtype in (tn.bool, tn.bfloat16, tn.float64):
            xs = parts(g, (3, 2), dtype)
            np.testing.assert_array_equal(exact(all_gather(xs[g.rank], group=g)), np.stack([exact(x) for x in xs]))
            rows = parts(g, (g.size, 4), dtype)
            found = exact(all_to_all(rows[g.rank], group=g))
            np.testing.assert_array_equal(found, np.stack([exact(x)[g.rank] for x in rows]))
            if dtype is not tn.bool:
                found = exact(dist.reduce_scatter(rows[g.rank], group=g))
                np.testing.assert_array_equal(found, sum(exact(x)[g.rank] for x in rows))
            for source in range(g.size):
                np.testing.assert_array_equal(exact(broadcast(xs[g.rank], source, group=g)), exact(xs[source]))


@check
def test_objects() -> None:
    for g in MINE:
        found = all_gather_object({"rank": g.rank, "much": "x" * 1000 * g.rank}, group=g)
        assert [x["rank"] for x in found] == list(range(g.size)) and len(found[-1]["much"]) == 1000 * (g.size - 1)
        assert dist.broadcast_object(("it", g.rank), g.size - 1, group=g) == ("it", g.size - 1)


@check
def test_gradients_are_those_of_the_sum_of_all_losses() -> None:
    def losses(xs: list[Any], collective: Any) -> Any:
        """The loss of all ranks together, in one process."""
        return sum((((y * (k + 1)) ** 2).sum() for k, y in enumerate(collective(xs))), tn.tensor(0.0))

    def cases(g: Any, n: int) -> list[tuple[Any, Any]]:
        return [
            (lambda x: all_reduce(x, group=g), lambda xs: [sum(xs[1:], xs[0])] * n),
            (lambda x: all_reduce(x, "mean", group=g), lambda xs: [sum(xs[1:], xs[0]) / n] * n),
            (lambda x: all_gather(x, group=g), lambda xs: [tn.stack(xs)] * n),
            (lambda x: dist.reduce_scatter(x, group=g),
             lambda xs: [sum((x[k] for x in xs[1:]), xs[0][k]) for k in range(n)]),
            (lambda x: all_to_all(x, group=g), lambda xs: [tn.stack([x[k] for x in xs]) for k in range(n)]),
            (lambda x: broadcast(x, n - 1, group=g), lambda xs: [xs[n - 1]] * n),
        ]  # fmt: skip

    for g in [g for g in MINE if g.size > 1]:
        n, me = g.size, g.rank
        for ours, theirs in cases(g, n):
            xs = [tn.Var(x, requires_grad=True) for x in parts(g, (n, 3))]
            losses(xs, theirs).backward()
            x = tn.Var(xs[me].detach(), requires_grad=True)
            ((ours(x) * (me + 1)) ** 2).sum().backward()
            assert x.grad is not None
            wanted = xs[me].grad
            np.testing.assert_allclose(x.grad.numpy(), 0 if wanted is None else wanted.numpy(), rtol=1e-6)


@check
def test_gradients_of_gradients() -> None:
    x = tn.Var(tn.tensor([1.0, 2.0]) * (rank() + 1), requires_grad=True)
    y = (all_reduce(x * x) ** 2).sum()
    (g,) = tn.autograd.grad(y, x, create_graph=True)
    g.sum().backward()
    total = sum((np.array([1.0, 2.0]) * (r + 1)) ** 2 for r in range(size()))
    v = np.array([1.0, 2.0]) * (rank() + 1)
    every = sum(np.array([1.0, 2.0]) * (r + 1) for r in range(size()))
    # g_r = 4 size T x_r, and the sum of all ranks' g is differentiated: T = Σ x²
    np.testing.assert_allclose(g.detach().numpy(), 4 * size() * total * v)
    np.testing.assert_allclose(x.grad.numpy(), 4 * size() * (total + 2 * v * every))


@check
def test_a_collective_is_in_order_with_writes() -> None:
    v = tn.zeros(3).mut()
    v += rank() + 1
    y = all_reduce(v)
    v += 100
    every = sum(r + 1 for r in range(size()))
    assert y.tolist() == [every] * 3 and v.tolist() == [rank() + 101.0] * 3
    v[1:] = all_reduce(v[1:])
    assert v.tolist() == [rank() + 101, *[every + 100.0 * size()] * 2]


@check
def test_a_message_leaves_before_what_is_written_behind_it() -> None:
    v = tn.full((400_000,), float(rank())).mut()
    dist.send(v, (rank() + 1) % size())
    v.fill_(-1.0)
    found = dist.recv((rank() - 1) % size())
    assert found.min().item() == found.max().item() == (rank() - 1) % size()


@check
def test_messages_by_tag_and_their_cotangents() -> None:
    if rank() == 0:
        x = tn.tensor([1.0, 2.0], requires_grad=True)
        second, first = dist.send(x * 3, 1, tag=7), dist.send(x, 1)
        (first + second).backward()
        assert x.grad.tolist() == [3 * 10 + 1, 3 * 10 + 1]
    elif rank() == 1:
        a = dist.recv(0, requires_grad=True)
        b = dist.recv(0, 7, requires_grad=True)
        assert b.tolist() == [3.0, 6.0]
        (a + 10 * b).sum().backward()


@check
def test_two_threads_with_groups_of_their_own() -> None:
    found: dict[int, Any] = {}
    pair = [dist.new_group(), dist.new_group()]

    def work(k: int) -> None:
        for i in range(20):
            found[k] = all_reduce(tn.full((1000,), float(i + k)), group=pair[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [found[k].mean().item() for k in range(2)] == [size() * 19.0, size() * 20.0]


@check
def test_bad_arguments_name_themselves() -> None:
    bad: list[tuple[Any, type[Exception], str]] = [
        (lambda: all_reduce(tn.ones(2), "average"), ValueError, "op"),
        (lambda: all_reduce(tn.ones(2), "and"), TypeError, "and"),
        (lambda: all_reduce("x"), TypeError, "x"),
        (lambda: broadcast(tn.ones(2), size()), ValueError, "source"),
        (lambda: broadcast(tn.ones(2), 0.5), TypeError, "source"),
        (lambda: all_to_all(tn.ones(size() + 1)), ValueError, "x has a row"),
        (lambda: dist.reduce_scatter(tn.tensor(1.0)), ValueError, "x has a row"),
        (lambda: all_reduce(tn.ones(2), group=3), TypeError, "group"),
        (lambda: dist.new_group([0, 0]), ValueError, "ranks"),
        (lambda: dist.new_group([size()]), ValueError, "ranks"),
        (lambda: dist.send(tn.ones(2), rank()), ValueError, "this one"),
        (lambda: dist.recv(size()), ValueError, "rank"),
        (lambda: dist.recv((rank() + 1) % size(), -1), ValueError, "tag"),
        (lambda: dist.init(timeout=-1), TypeError, "timeout"),
    ]
    for call, kind, named in bad:
        try:
            call()
        except kind as error:
            assert named in str(error), str(error)
        else:
            raise AssertionError(f"no {kind.__name__} that names {named}")
    if GROUPS[0].rank < 0:
        try:
            all_reduce(tn.ones(2), group=GROUPS[0])
        except tn.CollectiveError as error:
            assert "not in this group" in str(error)
