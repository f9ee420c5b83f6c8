"""Tensors made of NumPy's arrays: a write reaches the memory, and what else shows it is not read of its copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure.torch as torch
from tenure.errors import BorrowError


def lent() -> tuple[Any, Any]:
    """A tensor, and another of the array that it lent."""
    t = torch.arange(4.0).clone()
    return t, torch.from_numpy(t.detach().numpy())


def halves() -> tuple[Any, Any]:
    """A tensor of a part of an array, and one of all of it."""
    n = np.arange(4.0)
    whole = torch.from_numpy(n)
    return torch.from_numpy(n[:2]), whole


def back() -> tuple[Any, Any]:
    """A tensor of the array that another lent, and that one."""
    return lent()[::-1]


@pytest.mark.parametrize("pair", [lent, back, halves])
@pytest.mark.parametrize("read", [lambda s: s.tolist(), lambda s: (s * 2).sum().item(), lambda s: s[1:].tolist()])
def test_a_tensor_whose_memory_another_has_written_is_not_read(pair: Any, read: Callable[[Any], Any]) -> None:
    t, s = pair()
    before = s * 1
    t.fill_(7.0)
    assert tuple(s.shape) == (4,) and before.tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(BorrowError, match="TN506"):
        read(s)


@pytest.mark.parametrize("part", [np.s_[0], np.s_[:, 1], np.s_[:1, ::2], np.s_[:, :2]])
def test_a_write_reaches_the_array_that_a_part_was_taken_of(part: Any) -> None:
    n, expected = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)
    s = torch.from_numpy(n[part])
    s.mul_(3.0)
    expected[part] *= 3.0
    assert s.tolist() == expected[part].tolist()
    del s
    assert n.tolist() == expected.tolist()
    n += 1  # writable again
