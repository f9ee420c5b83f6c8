"""Bad input gives a clear error (bad_input.txt has each, word by word) and changes nothing."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.codes import LAWS

TEXT = Path(__file__).with_name("bad_input.txt").read_text(encoding="utf-8")
CASES = re.findall(r"^>>> (.*)\n(\w+) ((?:.+\n)+)", TEXT, re.MULTILINE)


def names() -> dict[str, Any]:
    """What the entries speak of."""
    x = tn.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    return {"tn": tn, "np": np, "x": x, "v": x.mut(), "w": w, "k": tn.arange(3)}


def without_lines(error: tn.TenureError) -> str:
    """The text of an error without the excerpts of the source."""
    bare = copy.copy(error)
    bare.at, bare.notes = None, tuple(note for note in error.notes if note[1] is None)
    return f"{bare}\n"


def test_every_entry_is_read() -> None:
    assert len(CASES) == TEXT.count(">>>") > 70


@pytest.mark.parametrize(("source", "kind", "text"), CASES, ids=[c[0] for c in CASES])
def test_bad_input(source: str, kind: str, text: str) -> None:
    context = names()
    loss = (context["w"] * context["w"]).sum()
    with pytest.raises(tn.TenureError) as caught:
        eval(source, context)
    assert type(caught.value).__name__ == kind
    assert without_lines(caught.value) == text
    assert caught.value.code in LAWS
    loss.backward()
    x, v, w, k = (context[n] for n in "xvwk")
    assert x.tolist() == v.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert (w.tolist(), w.grad.tolist(), k.tolist()) == ([1.0, 2.0], [2.0, 4.0], [0, 1, 2])
    assert not x.requires_grad and x.grad is None


@pytest.mark.parametrize("source", ["x * None", "x * object()", "x < 'a'", "x < None", "x @ 'a'"])
def test_what_is_no_operand_is_pythons_error(source: str) -> None:
    with pytest.raises(TypeError):
        eval(source, names())


@pytest.mark.parametrize("source", ["x.frobnicate", "x.frobnicate_", "tn.frobnicate"])
def test_a_name_that_is_not_there(source: str) -> None:
    with pytest.raises(AttributeError, match="frobnicate"):
        eval(source, names())


def test_comparing_with_what_is_no_operand() -> None:
    x = names()["x"]
    assert (x == None, x != None, x == "a") == (False, True, False)  # noqa: E711


def test_misspelled_places_are_not_made() -> None:
    v = names()["v"]
    for name in ("shape", "dtype", "datta", "requires_grad_"):
        with pytest.raises(AttributeError):
            setattr(v, name, 1)


def test_a_traceback_ends_near_the_users_line() -> None:
    x = tn.ones((2, 3))
    with pytest.raises(tn.ShapeError) as caught:
        x + tn.ones(4)
    assert len(caught.traceback) <= 3


def test_numbers_in_format_strings() -> None:
    x = names()["x"]
    assert f"{x[0, 1]:.2f} {x.sum():5.1f}" == "2.00  21.0"
    assert f"{x[0]}" == "tensor([1., 2., 3.])"
    with pytest.raises(tn.ShapeError, match="3 elements"):
        f"{x[0]:.2f}"


def test_an_error_quotes_the_line() -> None:
    x = tn.ones(2)
    with pytest.raises(tn.WriteError) as caught:
        x[0] = 5.0
    here = min(os.path.relpath(__file__), __file__, key=len)
    text = str(caught.value)
    assert f"--> {here}:" in text
    assert re.search(r"\n *\d+ \|         x\[0\] = 5.0\n *\|         \^\^\^\^\n", text)


def test_numbers_at_the_edges_of_a_dtype_are_taken() -> None:
    assert tn.tensor([2**31 - 1, -(2**31)], dtype=tn.int32).tolist() == [2**31 - 1, -(2**31)]
    assert tn.tensor([2**63 - 1, -(2**63)]).tolist() == [2**63 - 1, -(2**63)]
    assert tn.tensor(np.array([2.9, -2.9]), dtype=tn.int64).tolist() == [2, -2]
    assert tn.tensor([True, False], dtype=tn.int32).tolist() == [1, 0]
    assert tn.tensor([0.0, 2.0, float("nan")], dtype=tn.bool).tolist() == [False, True, True]
    assert tn.tensor([]).shape == (0,) and tn.tensor([[], []]).shape == (2, 0)
