"""``u[i][j] = v`` writes a value that u[i] has read: TN594 says how to index once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


def by_ints(u: Any, i: int) -> None:
    u[i][1] = 5.0


def by_three(u: Any, i: int) -> None:
    u[0][i + 1][::2] = tn.zeros(2)


def augmented(u: Any, i: int) -> None:
    u[i, 0][-1] += 1.0


def by_slice(u: Any, i: int) -> None:
    u[0:1][i] = 0.0


def of_a_name(u: Any, i: int) -> None:
    row = u[i]
    row[0] = 1.0


CASES: list[tuple[Callable[[Any, int], None], str, str]] = [
    (by_ints, "u[i] reads a value", "index once: `u[i, 1] = 5.0`"),
    (by_three, "u[0][i + 1] reads a value", "index once: `u[0, i + 1, ::2] = tn.zeros(2)`"),
    (augmented, "u[i, 0] reads a value", "index once: `u[i, 0, -1] += 1.0`"),
    (by_slice, "u[0:1] reads a value", "write the part back: `t = u[0:1].mut()`, write t, then `u[0:1] = t`"),
    (of_a_name, "tensors never change", "make a place, `x = x.mut()`"),
]


@pytest.mark.parametrize(("write", "message", "advice"), CASES, ids=[c[0].__name__ for c in CASES])
def test_what_to_write_instead(write: Callable[[Any, int], None], message: str, advice: str) -> None:
    u = tn.zeros(2, 3, 4).mut()
    with pytest.raises(tn.WriteError, match="TN594") as caught:
        write(u, 0)
    assert message in str(caught.value)
    assert advice in str(caught.value)
    assert not np_any(u), "nothing was written"


def np_any(u: Any) -> bool:
    return bool((u != 0).any())
