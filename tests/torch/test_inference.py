"""Inference tensors: which are, and what may be done with them outside, as PyTorch has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure.torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


def made(torch: Any) -> dict[str, Any]:
    """Tensors made in and out of the mode."""
    x, w = torch.ones(3), torch.ones(3, requires_grad=True)
    with torch.inference_mode():
        found = {
            "factory": torch.zeros(3), "view of x": x[1:], "result": x * 2, "detached": x.detach(), "of a leaf": w * 2,
            "same": x.contiguous(), "indexed": x[[0, 1]], "array": torch.from_numpy(np.ones(3)), "cast": x.double(),
            "layer": torch.nn.Linear(2, 2).weight, "parameter": torch.nn.Parameter(torch.ones(2)),
            "pairs": torch.ones(2, 2).max(1)[0], "written": x.add_(1), "clone": x.clone(), "view of w": w.view(3),
        }  # fmt: skip
        found["view"] = found["result"][:2]
        with torch.inference_mode(False):
            found["inner"] = torch.ones(2) * 2
        with torch.no_grad():
            found["no_grad"] = w * 2
    i = torch.inference_mode()(lambda: x * 2)()
    with torch.no_grad():
        found["no_grad outside"] = x * 2
    return found | {
        "decorated": i, "sum": i + 1, "its clone": i.clone(), "its view": i[1:], "its detach": i.detach(),
        "itself": i.float(),
    }  # fmt: skip


def test_which_tensors_are_inference_tensors() -> None:
    expected, found = made(torch), made(tenure.torch)
    for name, x in expected.items():
        y = found[name]
        assert y.is_inference() is tenure.torch.is_inference(y) is x.is_inference(), name
        assert y.requires_grad is x.requires_grad, name


@pytest.mark.parametrize("statement", [
    "i.add_(1)", "i[0] = 5", "i[[0]] = 5", "i.zero_()", "i.copy_(x)", "torch.add(x, x, out=i)", "i.t_()",
    "i.requires_grad_()", "i._version", "i.view(3).mul_(2)", "torch.nn.init.zeros_(i)", "r.mul_(2)", "x.add_(i)",
    "v.add_(1)", "i.detach().add_(1)", "with torch.inference_mode(): i.add_(1)", "i.requires_grad_(False)", "w + i",
])  # fmt: skip
def test_writing_outside_the_mode(statement: str) -> None:
    def outcome(torch: Any) -> Any:
        x, w = torch.ones(3), torch.ones(3, requires_grad=True)
        with torch.inference_mode():
            names = {"torch": torch, "x": x, "w": w, "i": torch.ones(3), "v": x[1:], "r": w.view(3)}
        try:
            exec(statement, names)
        except RuntimeError as error:
            return str(error).splitlines()[0]
        return names["i"].tolist(), names["x"].tolist()

    assert outcome(tenure.torch) == outcome(torch)


def test_modes_say_what_is_on() -> None:
    def said(torch: Any) -> Any:
        found = []

        def note() -> None:
            found.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))

        with torch.no_grad():
            note()
            with torch.inference_mode(False):
                note()
        with torch.inference_mode():
            note()
            with torch.inference_mode(False):
                note()
            note()
        note()
        return found

    assert said(tenure.torch) == said(torch)
