"""Checks of data-parallel training, in groups of one to all ranks of the job."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import tenure as tn
from tenure import nn, optim
from tenure.distributed import all_gather_object, rank, size
from tests.distributed.jobs import check
from tests.distributed.programs.training import digest, trained

dist = tn.distributed


@cache
def groups() -> list[Any]:
    """Groups of the first ranks, as many as there are of each size: all ranks are in one of each."""
    found = []
    for n in range(1, size() + 1):
        cut = [list(range(k, min(k + n, size()))) for k in range(0, size(), n)]
        made = [dist.new_group(ranks) for ranks in cut]
        found.append(next(g for g in made if g.rank >= 0))
    return found


def same(x: Any) -> bool:
    """Whether all ranks have the same."""
    return len(set(all_gather_object(x))) == 1


@check
def test_the_same_bits_in_groups_of_any_size() -> None:
    found = [trained(2, 8, g)[0] for g in groups()]
    assert len(set(found)) == 1, found
    assert same(found[0])


@check
def test_sharded_optimizers_have_the_same_bits() -> None:
    plain = trained(2, 8, groups()[1])[0]
    assert trained(2, 8, groups()[-1], zero=True)[0] == plain
    net = nn.Linear(64, 64)
    opt = dist.shard_optimizer(optim.Adam(net.parameters()))
    opt.param_groups[0]["params"][0].grad = tn.ones(64, 64)
    opt.step()
    assert sum(all_gather_object(len(opt.state))) == 1  # whoever owns the one with a gradient


@check
def test_odd_numbers_of_shards() -> None:
    for shards in (1, 3, 5):
        found = set()
        for g in groups():
            tn.manual_seed(0)
            model = dist.parallel(nn.Sequential(nn.BatchNorm1d(7), nn.Linear(2, 3)), shards=shards, group=g)
            x = tn.rand(11, 7, 2)
            for part in model.shards(x):
                model(part).square().mean().backward()
            means = []
            for n in (11, 2):  # with two samples some shards have none
                means.append(model.mean([model(part).exp().mean().detach() for part in model.shards(x[:n])]).item())
            found.add((digest(model.module.state_dict()), model.module[1].weight.grad.numpy().tobytes(), *means))
        assert len(found) == 1, shards


@check
def test_buffers_are_not_added_up_where_gradients_are() -> None:
    g = tn.Generator(3)
    first, second = tn.randn(4, 2, generator=g) + 5, tn.randn(4, 2, generator=g) - 3
    alone = nn.BatchNorm1d(2)
    alone(first), alone(second)
    net = nn.BatchNorm1d(2)
    model = dist.parallel(net, shards=1)
    with model.no_sync():
        for x in model.shards(first):
            model(x).sum().backward()
    for x in model.shards(second):
        model(x).sum().backward()
    assert net.running_mean.tolist() == alone.running_mean.tolist() and net.num_batches_tracked.item() == 2


@check
def test_what_would_depend_on_the_number_of_ranks_is_refused() -> None:
    tn.manual_seed(0)
    one, other = (dist.parallel(nn.BatchNorm1d(2), shards=size()) for _ in range(2))
    try:
        for x in one.shards(tn.ones(2 * size(), 2)):
            other(x)
    except tn.TenureError as error:
        assert "of another one" in str(error)
    else:
        raise AssertionError
    if rank() == 0:
        tn.rand(1)
    try:
        for x in one.shards(tn.ones(2 * size(), 2)):
            one(x).sum().backward()
    except tn.CollectiveError as error:
        assert "random numbers" in str(error) and "its own Generator" in str(error)
    else:
        raise AssertionError
    tn.manual_seed(0)


@check
def test_rows_of_sparse_gradients_are_in_the_order_of_the_shards() -> None:
    found = set()
    for g in groups():
        net = nn.Embedding(30, 1, sparse=True)
        model = dist.parallel(net, shards=7, group=g)
        with model.no_sync():
            for part in model.shards(tn.arange(14)):
                model(part).sum().backward()
        for part in model.shards(tn.arange(14) + 14):
            model(part).sum().backward()
        found.add(net.weight.grad._packed().index.numpy().tobytes())
    assert len(found) == 1


@check
def test_the_gradient_is_that_of_the_whole_batch() -> None:
    tn.manual_seed(3)
    net, x = nn.Linear(5, 2), tn.rand(13, 5)
    net(x).square().mean().backward()
    whole = net.weight.grad.numpy()
    model = dist.parallel(net, shards=6)
    for part in model.shards(x):
        model(part).square().mean().backward()
    np.testing.assert_allclose(net.weight.grad.numpy(), 2 * whole, rtol=1e-5)  # it is added to what was there


@check
def test_a_shard_for_each_rank_as_in_pytorch() -> None:
    tn.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    spare = nn.Parameter([1.0])
    net.register_parameter("spare", spare)
    model = dist.parallel(net)
    x = tn.rand(4, 3, generator=tn.Generator(rank())) + rank()
    twin = nn.Linear(3, 2)
    twin.load_state_dict(net[0].state_dict())
    with model.no_sync():
        model(x).sum().backward()
        mine = net[0].weight.grad.numpy().copy()
    assert not same(mine.tobytes()) and spare.grad is None
    model(x).sum().backward()
    assert same(net[0].weight.grad.numpy().tobytes()) and same(net[1].running_mean.numpy().tobytes())
    every = all_gather_object(mine)
    np.testing.assert_allclose(net[0].weight.grad.numpy(), 2 * np.mean(every, 0), rtol=1e-4, atol=1e-6)
    if rank() % 2 == 0:
        (model(x) * spare).sum().backward()  # used by some ranks only
    else:
        model(x).sum().backward()
    assert spare.grad is not None and same(spare.grad.item())


@check
def test_batches_are_the_same_for_any_group() -> None:
    rows = tn.arange(50)
    for options in ({}, {"shuffle": True, "seed": 4}, {"drop_last": True}):
        seen = []
        for g in groups():
            loader = dist.Loader(rows, 8, 5, group=g, **options)
            mine = [[(k, x.tolist()) for k, x in batch.mine] for batch in loader]
            assert [[(k, x.tolist()) for k, x in loader[b].mine] for b in range(len(loader))] == mine
            every = all_gather_object(mine, group=g)
            seen.append([sorted(pair for part in every for pair in part[b]) for b in range(len(loader))])
        assert all(one == seen[0] for one in seen)
        samples = [x for batch in seen[0] for _, xs in batch for x in xs]
        assert sorted(samples) == list(range(48 if "drop_last" in options else 50))
    first, second = dist.Loader(rows, 8, 4, shuffle=True), dist.Loader(rows, 8, 4, shuffle=True)
    for _, batch in zip(range(3), first, strict=False):
        last = batch
    second.load_state_dict({"epoch": 0, "batch": 2})
    again = next(iter(second))
    assert [(k, x.tolist()) for k, x in again.mine] == [(k, x.tolist()) for k, x in last.mine]


@check
def test_what_does_not_go_together_is_refused() -> None:
    model = dist.parallel(nn.Linear(2, 1), shards=4)
    bad: list[tuple[Any, type[Exception], str]] = [
        (lambda: dist.parallel(3), TypeError, "module"),
        (lambda: dist.parallel(nn.Linear(2, 1), shards=0), ValueError, "shards"),
        (lambda: dist.parallel(nn.Linear(2, 1), bucket_mb=0), ValueError, "bucket_mb"),
        (lambda: dist.parallel(nn.ReLU()), tn.TenureError, "no parameter"),
        (lambda: model(tn.ones(3, 2)).sum().backward(), tn.CollectiveError, "outside of its loop"),
        (lambda: list(model.shards(dist.shard(tn.ones(3, 2), 2))), tn.TenureError, "2 shards for a module of 4"),
        (lambda: list(model.shards(tn.tensor(1.0))), ValueError, "first axis"),
        (lambda: list(model.shards((tn.ones(2), tn.ones(3)))), ValueError, "first axis"),
        (lambda: dist.shard_optimizer(optim.LBFGS(nn.Linear(2, 1).parameters())), TypeError, "LBFGS"),
        (lambda: dist.Loader(tn.arange(4), 0, 2), ValueError, "batch_size"),
        (lambda: dist.Loader(tn.arange(4), 5, 2, drop_last=True), ValueError, "batches of 5"),
    ]
    for call, kind, named in bad:
        try:
            call()
        except kind as error:
            assert named in str(error), str(error)
        else:
            raise AssertionError(f"no {kind.__name__} that names {named}")
