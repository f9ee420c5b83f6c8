"""Checks of memory that several processes add to."""

from __future__ import annotations

import numpy as np

import tenure as tn
from tenure import optim
from tenure.distributed import barrier, rank, size
from tenure.nn import functional as F
from tests.distributed.jobs import check

dist = tn.distributed


@check
def test_what_one_rank_adds_all_read() -> None:
    rows = np.arange(3.0 * size()).reshape(size(), 3)
    s = dist.shared(tn.tensor(rows) + rank())
    for r in range(size()):
        if rank() == r:
            s.add_(tn.ones(2, 3, dtype=tn.float64), tn.tensor([r, 0]))
        barrier()
    rows += 1
    rows[0] += size()
    np.testing.assert_array_equal(s.value.numpy(), rows)  # it began as the first rank's
    assert s.read(tn.tensor([1, 1])).shape == (2, 3)
    barrier()


@check
def test_rounds_are_added_in_the_order_of_the_ranks() -> None:
    s = dist.shared(tn.zeros(3), ordered=True)
    rng = np.random.default_rng(2)
    parts = (rng.standard_normal((4, size(), 3)) * 10.0 ** rng.integers(-5, 5, (4, size(), 3))).astype(np.float32)
    with s.writer(rank()) as w:
        for k in range(2 + rank() % 3):  # some leave before the others
            before = w.value.numpy()
            w.add_(tn.tensor(parts[k, rank()]))
            assert not np.array_equal(before, w.value.numpy())
    wanted = np.zeros(3, np.float32)
    for k in range(4):
        for r in range(size()):
            if k < 2 + r % 3:
                wanted += parts[k, r]
    assert s.value.numpy().tobytes() == wanted.tobytes()


@check
def test_sparse_rows_of_a_table_in_all_processes() -> None:
    table = dist.shared(tn.zeros(50, 4), requires_grad=True)
    opt = optim.SGD([table], lr=1.0)
    for _ in range(3):
        opt.zero_grad()
        index = tn.tensor([rank() * 2, rank() * 2 + 1, rank() * 2])
        F.embedding(index, table, sparse=True).sum().backward()
        opt.step()
    barrier()
    wanted = np.zeros((50, 4))
    wanted[: 2 * size() : 2], wanted[1 : 2 * size() : 2] = -6, -3
    np.testing.assert_array_equal(table.value.numpy(), wanted)


@check
def test_bad_windows_name_what_is_wrong() -> None:
    ordered = dist.shared(tn.zeros(2), ordered=True)
    for call, kind, named in (
        (lambda: dist.shared(tn.zeros(2), ordered=True, requires_grad=True), ValueError, "ordered"),
        (lambda: dist.shared(tn.arange(2), requires_grad=True), TypeError, "grad"),
        (lambda: ordered.add_(tn.ones(2)), tn.TenureError, "writers"),
        (lambda: ordered.writer((rank() + 1) % size()).__enter__(), tn.TenureError, "is writer"),
    ):
        try:
            call()
        except kind as error:
            assert named in str(error), str(error)
        else:
            raise AssertionError(named)
