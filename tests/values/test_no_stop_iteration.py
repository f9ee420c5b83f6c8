"""Loops over many parameters after a backward are whole, and no StopIteration of the library's own leaves it."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Any

import pytest

import tenure as tn
from tenure import optim
from tenure.errors import InternalError, following
from tenure.values.trace import period

SOURCE = Path(tn.__file__).parent


def leaves(n: int) -> list[Any]:
    """n parameters of two numbers: k and 1."""
    return [tn.tensor([float(k), 1.0], requires_grad=True) for k in range(n)]


def differentiated(n: int) -> list[Any]:
    """Parameters whose gradients are 2k and 2."""
    ps = leaves(n)
    total = ps[0].sum() * 0
    for p in ps:
        total = total + (p * p).sum()
    total.backward()
    return ps


def doubled_sum(p: Any) -> Any:
    """Of the gradient of a parameter."""
    return (p.grad * 2).sum()


@pytest.mark.parametrize("n", [683, 800, 3000])
def test_reads_and_writes_after_backward(n: int) -> None:
    ps = differentiated(n)
    sums = list(map(doubled_sum, ps))
    assert [x.item() for x in sums] == [4.0 * k + 4.0 for k in range(n)]
    assert sum(1 for _ in (p.data.mul_(2.0) for p in ps)) == n
    for p in ps:
        p.data -= p.grad
    assert [p.tolist() for p in ps] == [[0.0, 0.0]] * n
    for p in ps:
        p.grad.zero_()
        p.grad = None
    assert all(p.grad is None for p in ps)


KINDS = [(optim.SGD, 1500), (optim.Adam, 800)]
if os.environ.get("TENURE_FUZZ"):
    KINDS += [(optim.SGD, 800), (optim.Adam, 1500), (optim.AdamW, 800), (optim.RMSprop, 1500)]


@pytest.mark.parametrize(("kind", "n"), KINDS)
def test_optimizers_of_many_parameters(kind: Any, n: int) -> None:
    ps = leaves(n)
    opt, few = kind(ps, lr=0.125), tn.tensor([5.0, 1.0], requires_grad=True)
    other = kind([few], lr=0.125)
    for _ in range(2):
        for o, qs in ((opt, ps), (other, [few])):
            o.zero_grad()
            total = tn.zeros(())
            for p in qs:
                total = total + (p * p).sum()
            total.backward()
            o.step()
        assert len(list(map(tn.sum, ps))) == n
    assert ps[5].tolist() == few.tolist()


def test_a_defect_of_the_recorder_says_so_and_gives_the_program(monkeypatch: Any) -> None:
    for error in (StopIteration, IndexError, KeyError, AssertionError):

        def fails(*_: Any, error: Any = error) -> int:
            raise error("x")

        def loop(n: int) -> list[Any]:
            v = tn.ones(3)
            out = []
            for _ in range(n):
                v = v * 2 + 1
                out.append(v)
            return out

        with monkeypatch.context() as m:
            m.setattr(period, "choose_cut", fails)
            with pytest.raises(InternalError, match=rf"{error.__name__}(.|\n)*program\((.|\n)*multiply"):
                list(map(loop, [4000]))


def test_following_is_the_next_or_an_internal_error() -> None:
    items = iter([1, 2])
    assert [following(items), following(items)] == [1, 2]
    with pytest.raises(InternalError):
        following(items)
    with pytest.raises(InternalError):
        list(map(following, [iter(())]))


def test_no_bare_next() -> None:
    """``next(items)`` lets a StopIteration out; ``following``, a default or a loop does not. A count never ends."""
    files = {p: p.read_text(encoding="utf-8") for p in SOURCE.rglob("*.py")}
    text = "\n".join(files.values())
    counts = set(re.findall(r"(\w+)(?:: [\w.\[\]]+)? = itertools\.count\(|(\w+) = count\(", text))
    endless = {name for pair in counts for name in pair if name}
    found = []
    for path, source in files.items():
        for node in ast.walk(ast.parse(source)) if "next" in source else ():
            if isinstance(node, ast.Attribute) and node.attr == "__next__":
                found.append(f"{path}:{node.lineno}")
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next"):
                continue
            name = getattr(node.args[0], "id", getattr(node.args[0], "attr", ""))
            if len(node.args) == 1 and name not in endless:
                found.append(f"{path}:{node.lineno}")
    assert not found
