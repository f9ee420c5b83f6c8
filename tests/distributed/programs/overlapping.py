"""Checks that gradients are reduced while others are computed: by a log of what happens on this rank."""

from __future__ import annotations

from typing import Any
from unittest import mock

import tenure as tn
from tenure import nn, optim
from tenure.distributed import algorithms, flats, rank
from tests.distributed.jobs import check, main
from tests.distributed.programs.training import digest

dist = tn.distributed
Log = list[tuple[str, int]]


def steps(bucket_mb: float, shards: int | None, log: Log) -> str:
    """Three steps of a model of four layers of 1 MB; the digest of its weights."""
    tn.manual_seed(0)
    net = nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(512, 512), nn.Tanh())])
    model = dist.parallel(net, shards=shards, bucket_mb=bucket_mb)
    opt = optim.SGD(net.parameters(), lr=0.1)
    reduced, packed = algorithms.reduced, flats.Flats.packed

    def logged(*args: Any, **kwargs: Any) -> Any:
        log.append(("reduction begins", sum(name == "reduction begins" for name, _ in log)))
        return reduced(*args, **kwargs)

    def noted(self: Any, bucket: int, *args: Any) -> Any:
        log.append(("computed", bucket))
        return packed(self, bucket, *args)

    with mock.patch.object(algorithms, "reduced", logged), mock.patch.object(flats.Flats, "packed", noted):
        for k in range(3):
            log.clear()
            x = tn.randn(1500, 512, generator=tn.Generator(k if shards else 10 * k + rank()))
            opt.zero_grad()
            for part in [x] if shards is None else model.shards(x):
                model(part).square().mean().backward()
            opt.step()
    return digest(net.state_dict())


@check
def test_the_first_bucket_is_reduced_before_the_last_gradient_is_computed() -> None:
    for shards in (None, 3):
        log: Log = []
        found = steps(1.1, shards, log)
        last = max(k for k, event in enumerate(log) if event == ("computed", 3))
        assert log.index(("reduction begins", 0)) < last, log
        assert found == steps(25.0, shards, []), "buckets change bits"


@check
def test_an_error_is_that_of_its_line_and_ranks_stay_in_step() -> None:
    net = nn.Sequential(nn.Embedding(5, 600), nn.Linear(600, 600), nn.Linear(600, 600))
    model = dist.parallel(net, bucket_mb=1.0)
    for k in range(6):
        bad, alone = k in (3, 4), k == 4  # of all ranks; of the last one
        net.zero_grad()
        try:
            model(tn.tensor([7 if bad and (rank() == 1 or not alone) else 1])).sum().backward()
        except IndexError as error:
            assert bad and "overlapping.py" in str(error), error
        except tn.CollectiveError as error:
            assert alone and rank() == 0 and "another rank has failed" in str(error), error
        else:
            assert not bad and net[0].weight.grad is not None


if __name__ == "__main__":
    main()
