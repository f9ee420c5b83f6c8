"""Writes into a detached view that shows elements more than once: every place that shows them sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure.torch as torch

WAYS: dict[str, Callable[[Any], Any]] = {
    "detach": lambda x: x.expand(2, 3).detach(),
    "data": lambda x: x.expand(2, 3).data,
    "transposed": lambda x: x.expand(2, 3).detach().T.T,
    "middle": lambda x: x.unsqueeze(0).detach().expand(2, 3),
}


def write_number(d: Any, w: Any) -> None:
    d[1] = 5


def write_index(d: Any, w: Any) -> None:
    d[torch.tensor(1)] = torch.tensor([5.0, 5.0, 5.0])


def write_row(d: Any, w: Any) -> None:
    v = d[1]
    v.copy_(v * 0 + 5)


def write_column(d: Any, w: Any) -> None:
    for k in range(3):
        d.T[k, 1] = 5.0


def write_graph(d: Any, w: Any) -> None:
    d[1] = w * 5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("write", [write_number, write_index, write_row, write_column, write_graph])
def test_a_write_of_a_part_is_seen_everywhere(way: str, grad: bool, write: Any) -> None:
    w = torch.ones(3, requires_grad=True)
    with torch.aliasing("pytorch"):
        x = torch.arange(3.0).clone().requires_grad_(grad)
        d = WAYS[way](x)
        write(d, w)
        assert d.tolist() == [[5.0] * 3] * 2
        assert x.tolist() == [5.0] * 3
        assert d.requires_grad == (write is write_graph)
