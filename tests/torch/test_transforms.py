"""Results with names go through transforms as what they are: their parts are the face's tensors, inside and outside."""

from __future__ import annotations

from typing import Any, NamedTuple

import tenure.torch as torch


class Both(NamedTuple):
    """Two results."""

    twice: Any
    total: Any


def test_named_results_of_transforms_are_tensors_of_the_face() -> None:
    x = torch.tensor([[1.0, 3.0, 2.0], [4.0, 5.0, 6.0]])
    _, aux = torch.func.grad(lambda x: (x.sum(), torch.sort(x, 0)), has_aux=True)(x)
    found = [torch.func.vmap(lambda x: torch.topk(x, 2))(x), torch.func.vmap(lambda x: Both(x * 2, x.sum()))(x), aux]
    assert [type(y).__name__ for y in found] == ["topk", "Both", "sort"]
    assert {type(part) for y in found for part in y} == {torch.Tensor}
    assert found[0].indices.tolist() == [[1, 2], [2, 1]] and found[1].total.tolist() == [6.0, 15.0]
    assert torch.func.vmap(lambda y: y.twice.sum() + y.total)(found[1]).tolist() == [18.0, 45.0]
