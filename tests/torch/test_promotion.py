"""Dtypes of results: every pair of dtypes, of tensors with axes and without, and of Python numbers, as in PyTorch."""

from __future__ import annotations

import itertools
import os
import warnings
from typing import Any

import numpy as np
import pytest

import tenure.torch as face

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

DTYPES = ["bool", "uint8", "int64", "bfloat16", "float32", "float64", "complex64"]
if os.environ.get("TENURE_FUZZ"):
    DTYPES += ["int8", "int16", "int32", "float16", "complex128"]
PAIRS: dict[str, Any] = {
    "add": lambda t, x, y: x + y,
    "sub": lambda t, x, y: x - y,
    "mul": lambda t, x, y: t.mul(x, y),
    "truediv": lambda t, x, y: x / y,
    "floordiv": lambda t, x, y: x // y,
    "pow": lambda t, x, y: x**y,
    "lt": lambda t, x, y: x < y,
    "eq": lambda t, x, y: x == y,
    "maximum": lambda t, x, y: t.maximum(x, y),
    "where": lambda t, x, y: t.where(t.tensor([True, False]), x, y),
    "cat": lambda t, x, y: t.cat([x.reshape(-1), y.reshape(-1)]),
    "stack": lambda t, x, y: t.stack([x.expand(2), y.expand(2)]),
    "result_type": lambda t, x, y: t.zeros((), dtype=t.result_type(x, y)),
    "clamp": lambda t, x, y: x.clamp(y),
    "and": lambda t, x, y: x & y,
    "iadd": lambda t, x, y: x.clone().add_(y),
}
ELEMENTWISE = ["sqrt", "exp", "sum", "mean", "prod", "cumsum", "abs", "neg", "floor", "sigmoid", "softmax", "std"]
ELEMENTWISE += ["max", "argmax", "sort"]
SHAPES = [((2,), (2,)), ((2,), ()), ((), (2,))]


def outcome(lib: Any, fn: Any, *args: Any) -> str:
    """The dtype of a result, or that there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = fn(lib, *args)
        found = found[0] if isinstance(found, tuple) else found
        return str(found.dtype)
    except (RuntimeError, TypeError, ValueError):
        return "refused"


def is_complex32(mine: str, *dtypes: str) -> bool:
    """Whether PyTorch computes in complex32 here, and the face refuses."""
    return mine == "refused" and "float16" in dtypes and any(d.startswith("complex") for d in dtypes)


def ones(lib: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    """Ones of a dtype."""
    return lib.ones(shape, dtype=getattr(lib, dtype))


@pytest.mark.parametrize("name", PAIRS)
def test_operands_of_two_dtypes_give_pytorchs_dtype(name: str) -> None:
    wrong = []
    for (a, b), (s, t) in itertools.product(itertools.product(DTYPES, repeat=2), SHAPES):
        mine, theirs = (outcome(lib, PAIRS[name], ones(lib, a, s), ones(lib, b, t)) for lib in (face, torch))
        if mine != theirs and not is_complex32(mine, a, b):
            wrong.append(f"{a}{s} {b}{t}: {mine}, not {theirs}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["add", "mul", "truediv", "floordiv", "pow", "lt", "clamp", "iadd"])
def test_numbers_beside_tensors_give_pytorchs_dtype(name: str) -> None:
    wrong = []
    for a, shape, number in itertools.product(DTYPES, [(2,), ()], [True, 2, 1.5, 1 + 1j]):
        mine, theirs = (outcome(lib, PAIRS[name], ones(lib, a, shape), number) for lib in (face, torch))
        if mine != theirs and not is_complex32(mine, a, "complex64" if number == 1 + 1j else ""):
            wrong.append(f"{a}{shape} {number}: {mine}, not {theirs}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_functions_of_one_tensor_give_pytorchs_dtype(name: str) -> None:
    wrong = []
    more = {"cumsum": (0,), "softmax": (0,), "sort": (0,)}.get(name, ())
    for a in DTYPES:
        mine, theirs = (outcome(lib, lambda t, x: getattr(t, name)(x, *more), ones(lib, a, (2,)))
                        for lib in (face, torch))
        if mine != theirs:
            wrong.append(f"{a}: {mine}, not {theirs}")
    assert not wrong, "\n".join(wrong)


REDUCED: dict[str, Any] = {
    "sum": lambda t, x, d: t.sum(x, dtype=d),
    "sum of rows": lambda t, x, d: t.sum(x, 1, dtype=d),
    "nansum": lambda t, x, d: t.nansum(x, 0, dtype=d),
    "prod": lambda t, x, d: t.prod(x, dtype=d),
    "prod of rows": lambda t, x, d: t.prod(x, 1, dtype=d),
    "cumsum": lambda t, x, d: t.cumsum(x, 1, dtype=d),
    "cumprod": lambda t, x, d: t.cumprod(x, 0, dtype=d),
    "sum in bool": lambda t, x, d: t.sum(x, dtype=t.bool),
    "eye": lambda t, x, d: t.eye(2, dtype=d),
}


@pytest.mark.parametrize("name", REDUCED)
def test_a_dtype_that_is_asked_for_is_that_of_the_result(name: str) -> None:
    wrong = []
    for a, b in itertools.product(["int16", "float32"], ["uint8", "int8", "int32", "bfloat16", "float64"]):
        mine, theirs = (REDUCED[name](t, t.tensor([[3, 1], [1, 100]], dtype=getattr(t, a)), getattr(t, b))
                        for t in (face, torch))
        if str(mine.dtype) != str(theirs.dtype) or mine.double().tolist() != theirs.double().tolist():
            wrong.append(f"{a} in {b}: {mine}, not {theirs}")
    assert not wrong, "\n".join(wrong)


def test_the_default_dtype_is_that_of_numbers_and_of_whole_numbers_made_floats() -> None:
    forms: list[Any] = [
        lambda t: t.tensor(1.5), lambda t: t.zeros(2), lambda t: t.tensor([1, 2]) / 2, lambda t: t.tensor([1, 2]) * 1.5,
        lambda t: t.sqrt(t.tensor([4])), lambda t: t.arange(0, 1, 0.5), lambda t: t.tensor([1.5 + 1j]),
        lambda t: t.sigmoid(t.tensor([True])), lambda t: t.full((2,), 1.5), lambda t: t.linspace(0, 1, 3),
        lambda t: t.tensor(1.5, dtype=t.float32), lambda t: t.true_divide(t.tensor([1]), t.tensor([2])),
    ]  # fmt: skip
    for name in ("float64", "float32"):
        for lib in (face, torch):
            lib.set_default_dtype(getattr(lib, name))
        try:
            found = [[repr(form(lib)) for form in forms] for lib in (face, torch)]
        finally:
            for lib in (face, torch):
                lib.set_default_dtype(lib.float32)
        assert found[0] == found[1]


def test_complex_numbers_go_into_real_dtypes_without_their_imaginary_parts() -> None:
    forms: list[Any] = [
        lambda t, z: z.to(t.float64), lambda t, z: z.float(), lambda t, z: z.int(), lambda t, z: z.byte(),
        lambda t, z: (z * 1j).bool(), lambda t, z: z.type(t.float16), lambda t, z: t.ones(2).copy_(z),
        lambda t, z: t.sum(z, dtype=t.float32), lambda t, z: t.cumprod(z, 0, dtype=t.float32),
    ]  # fmt: skip
    for form in forms:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [repr(form(t, t.tensor([1 + 2j, 3 - 1j]))) for t in (face, torch)]
        assert found[0] == found[1]
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        face.tensor([1j]).float()


OF_WHOLE_NUMBERS = [
    "exp(x)", "x.logit()", "mul(x, 1.5)", "x + 1.5", "x * 1j", "x / 2", "x ** 0.5", "atan2(x, x)", "copysign(x, 2)",
    "special.i0(x)", "special.zeta(x, 2)", "special.xlogy(x, x)", "fft.rfft(x)", "cov(x)", "trapezoid(x)", "angle(x)",
    "gradient(x)[0]", "nn.functional.tanhshrink(x)", "x.fmod(1.5)", "ldexp(x, x)", "polygamma(1, x)", "x // 1.5",
    "where(x > 1, 1.0, 0.0)", "nn.Transformer.generate_square_subsequent_mask(3)", "hamming_window(4)",
    "nn.utils.clip_grad_norm_([], 1.0)", "distributions.LKJCholesky(2).sample()", "outer(x > 1, x)",
    "kron(x > 1, x > 1)", "linalg.matrix_power(x[:, None] * x, 2)",
]  # fmt: skip


class Names(dict[str, Any]):
    """The names of a library, and others."""

    def __init__(self, library: Any, **others: Any) -> None:
        super().__init__(others)
        self.library = library

    def __missing__(self, name: str) -> Any:
        return getattr(self.library, name)


@pytest.mark.parametrize("default", ["float32", "float64"])
def test_whole_numbers_become_floats_of_the_default_dtype(default: str):
    found = {}
    for library in (torch, face):
        library.set_default_dtype(getattr(library, default))
        try:
            space = Names(library, x=library.arange(1, 4))
            found[library] = {text: eval(text, {}, space) for text in OF_WHOLE_NUMBERS}
        finally:
            library.set_default_dtype(library.float32)
    for text, wanted in found[torch].items():
        here = found[face][text]
        assert str(here.dtype) == str(wanted.dtype), text
        if "sample" not in text:
            np.testing.assert_allclose(here.numpy(), wanted.numpy(), rtol=1e-5, err_msg=text)
