"""Operands of several dtypes: refused where PyTorch refuses them, in its words; promoted where it promotes."""

from typing import Any

import pytest

import tenure.torch as face

CALLS: dict[str, tuple[str, tuple[tuple[int, ...], ...]]] = {
    "linear": ("nn.functional.linear", ((2, 3), (4, 3), (4,))),
    "linear without bias": ("nn.functional.linear", ((2, 3), (4, 3))),
    "bilinear": ("nn.functional.bilinear", ((2, 3), (2, 3), (4, 3, 3), (4,))),
    "conv1d": ("nn.functional.conv1d", ((1, 2, 5), (3, 2, 2), (3,))),
    "prelu": ("nn.functional.prelu", ((2, 3), (1,))),
    "binary_cross_entropy": ("nn.functional.binary_cross_entropy", ((2, 3), (2, 3))),
    "mm": ("mm", ((2, 3), (3, 2))),
    "bmm": ("bmm", ((1, 2, 3), (1, 3, 2))),
    "matmul of vectors": ("matmul", ((3,), (3,))),
    "matmul of a vector": ("matmul", ((2, 3), (3,))),
    "matmul of batches": ("matmul", ((2, 2, 3), (2, 3, 2))),
    "addmm": ("addmm", ((2, 2), (2, 3), (3, 2))),
    "addmv": ("addmv", ((2,), (2, 3), (3,))),
    "baddbmm": ("baddbmm", ((1, 2, 2), (1, 2, 3), (1, 3, 2))),
    "tensordot": ("tensordot", ((2, 3, 2), (3, 2, 4))),
    "inner": ("inner", ((3,), (3,))),
    "outer": ("outer", ((3,), (2,))),
    "cross": ("cross", ((2, 3), (2, 3))),
    "lerp": ("lerp", ((3,), (3,))),
    "heaviside": ("heaviside", ((3,), (3,))),
    "polar": ("polar", ((3,), (3,))),
    "allclose": ("allclose", ((3,), (3,))),
    "add": ("add", ((3,), (3,))),
    "cat": ("cat", ((3,), (3,))),
    "mse_loss": ("nn.functional.mse_loss", ((2, 3), (2, 3))),
}


def named(lib: Any, path: str) -> Any:
    for name in path.split("."):
        lib = getattr(lib, name)
    return lib


def outcome(lib: Any, path: str, shapes: tuple[tuple[int, ...], ...], other: int) -> str:
    xs = [lib.full(shape, 0.5, dtype=lib.float64 if k == other else lib.float32) for k, shape in enumerate(shapes)]
    more = (0.5,) if path == "lerp" else ()
    try:
        found = named(lib, path)(xs) if path == "cat" else named(lib, path)(*xs, *more)
    except RuntimeError as error:
        return str(error)
    return str(getattr(found, "dtype", found))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CALLS)
def test_as_in_pytorch(case: str) -> None:
    torch = pytest.importorskip("torch")
    path, shapes = CALLS[case]
    for other in range(len(shapes)):
        assert outcome(face, path, shapes, other) == outcome(torch, path, shapes, other)


@pytest.mark.peers
@pytest.mark.parametrize(
    "layer", ["Linear(3, 2)", "Conv1d(3, 2, 1)", "LayerNorm(3)", "BatchNorm1d(3)", "LSTM(3, 2)", "PReLU()"]
)
def test_layers(layer: str) -> None:
    torch = pytest.importorskip("torch")
    said = []
    for lib in (torch, face):
        with pytest.raises((RuntimeError, ValueError)) as caught:
            eval(f"lib.nn.{layer}", {"lib": lib})(lib.ones(3, 3, dtype=lib.float64))
        said.append((type(caught.value).__name__, str(caught.value)))
    assert said[0] == said[1]
