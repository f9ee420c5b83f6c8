"""The conventions of docs/conventions.md: each row is run, beside PyTorch where it says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

NAN, INF = float("nan"), float("inf")
ONE, ALL, ZERO = np.eye(2), np.ones((2, 2)), np.zeros((2, 2))
Case = Callable[[Any], list[Any]]


def given(m: Any, x: Any, tracked: bool = False) -> Any:
    return m.tensor(np.asarray(x), requires_grad=tracked)


def values(f: Callable[..., Any], *xs: Any) -> Case:
    """The results of a function of (library, *tensors)."""

    def case(m: Any) -> list[Any]:
        found = f(m, *[given(m, x) for x in xs])
        found = found if isinstance(found, tuple) else (found,)
        return [y.resolve_conj().numpy() if m is torch else y.numpy() for y in found]

    return case


def slopes(f: Callable[..., Any], x: Any) -> Case:
    """The gradient of the sum of its result."""

    def case(m: Any) -> list[Any]:
        at = given(m, x, tracked=True)
        f(m, at).sum().backward()
        return [at.grad.numpy()]

    return case


def pool(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda m, *xs: getattr(m.nn.functional, name)(*xs, *args, **options)


def lin(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda m, *xs: getattr(m.linalg, name)(*xs, *args, **options)


def sampled_at(spot: float, **options: Any) -> Case:
    image, at = np.arange(4.0).reshape(1, 1, 1, 4), np.array([[[[spot, 0.0]]]])
    return values(pool("grid_sample", align_corners=True, **options), image, at)


def path(m: Any, **options: Any) -> Any:
    logs = m.nn.functional.log_softmax(m.zeros(1, 1, 3), dim=-1)
    lengths = [given(m, np.array([n])) for n in (1, 2)]
    return m.nn.functional.ctc_loss(logs, given(m, np.array([[1, 1]])), *lengths, reduction="none", **options)


LINE = np.ones((1, 4))
CASES: dict[str, list[Case]] = {
    "Q and R: signs": [values(lin("qr"), 0.1 - 3 * ONE)],
    "Q and R of a matrix of lower rank: gradient": [slopes(lambda m, x: m.linalg.qr(x)[1], ZERO)],
    "real eigenvectors of `eigh`: sign": [values(lambda m, x: m.linalg.eigh(x)[1][0] > 0, ONE + 0.5)],
    "equal eigenvalues, equal singular values: their gradient": [
        slopes(lambda m, x: m.linalg.eigh(x)[0], ONE), slopes(lambda m, x: m.linalg.svd(x)[1], ONE),
    ],
    "eigenvectors of equal eigenvalues: gradient": [slopes(lambda m, x: m.linalg.eigh(x)[1].abs(), ONE)],
    "singular values of zeros: gradient": [slopes(lin("svdvals"), ZERO)],
    "a singular matrix in `solve`, `inv`, `lu_factor`, `matrix_power(-1)`": [
        values(lin("solve"), np.stack([ONE, ALL]), np.stack([ALL, ALL])), values(lin("inv"), np.stack([ONE, ALL])),
        values(lambda m, x: tuple(m.linalg.lu_factor(x)), np.stack([ONE, ALL])), values(lin("matrix_power", -1), ZERO),
    ],
    "a zero on the diagonal in `solve_triangular`, `lu_solve`": [
        values(lin("solve_triangular", upper=True), ZERO, ALL),
        values(lin("lu_solve"), ZERO, np.array([1, 2], "i4"), ALL),
    ],
    "an indefinite matrix in `cholesky`": [values(lin("cholesky"), np.stack([ONE, -ONE]))],
    "`lu` of a singular matrix": [values(lambda m, x: tuple(m.linalg.lu(x)), ALL)],
    "`det`, `slogdet` of a singular matrix": [
        values(lin("det"), ALL), values(lambda m, x: tuple(m.linalg.slogdet(x)), ALL),
    ],
    "`det` of a singular matrix: gradient": [slopes(lin("det"), ALL)],
    "`logdet` of a negative determinant": [values(lambda m, x: m.logdet(x), np.diag([1.0, -1.0]))],
    "`pinv` of lower rank and its gradient": [
        values(lin("pinv"), ALL), slopes(lin("pinv"), ALL), slopes(lin("pinv"), np.outer([1.0, 2.0, 0.5], [3.0, 1.0])),
    ],
    "`lstsq` of lower rank": [values(lambda m, a, b: m.linalg.lstsq(a, b, driver="gelsd")[0], ALL, ALL)],
    "norms of matrices and vectors at 0: gradient": [
        slopes(lin("matrix_norm"), ZERO), slopes(lin("vector_norm"), np.zeros(3)),
        slopes(lin("matrix_norm", "nuc"), ZERO),
    ],
    "norms at ties: gradient": [
        slopes(lin("matrix_norm", 2), ONE), slopes(lin("matrix_norm", 1), ONE),
        slopes(lin("vector_norm", INF), np.ones(3)),
    ],
    "`cond` of a singular matrix": [values(lin("cond"), ALL), values(lin("cond", 1), ALL)],
    "eigenvalues of a matrix that has no basis of eigenvectors": [values(lin("eigvals"), [[0.0, 1.0], [0.0, 0.0]])],
    "NaN in a matrix: `svdvals`, `cholesky`": [values(lin("svdvals"), ONE * NAN), values(lin("cholesky"), ONE * NAN)],
    "NaN in a matrix: `eigvalsh`": [values(lin("eigvalsh"), ONE * NAN)],
    "NaN in a matrix: `solve`": [values(lin("solve"), ONE * NAN, ALL)],
    "largest of a window: ties": [
        slopes(pool("max_pool2d", 2), np.ones((1, 2, 2))), slopes(pool("max_pool1d", 2), LINE),
    ],
    "largest of a window: NaN": [values(pool("max_pool1d", 2, return_indices=True), [[1.0, NAN, NAN, 2.0]])],
    "largest of a window of −∞ beside padding": [values(pool("max_pool1d", 3, 2, 1, return_indices=True), LINE * -INF)],
    "largest of windows that divide an axis: ties": [slopes(pool("adaptive_max_pool1d", 2), np.ones((1, 5)))],
    "`max_unpool` of two numbers at one place": [values(pool("max_unpool1d", 2), [[1.0, 2.0]], np.array([[1, 1]]))],
    "averages beside padding": [
        values(pool("avg_pool1d", 3, 2, 1), LINE), values(pool("avg_pool1d", 3, 2, 1, count_include_pad=False), LINE),
    ],
    "norms of windows that hang over the edge": [values(pool("lp_pool1d", 2, 3, ceil_mode=True), LINE)],
    "norms of windows at 0: gradient": [slopes(pool("lp_pool1d", 2, 2), np.zeros((1, 4)))],
    "`grid_sample` at NaN, bilinear": [sampled_at(NAN)],
    "`grid_sample` at NaN, nearest, outside is 0": [sampled_at(NAN, mode="nearest")],
    "`grid_sample`, nearest, halfway": [sampled_at(x, mode="nearest") for x in (0.0,)],
    "`interpolate`, nearest": [
        values(pool("interpolate", size=2, mode=mode), np.arange(3.0).reshape(1, 1, 3))
        for mode in ("nearest", "nearest-exact")
    ],
    "`interpolate`, nearest, to twice the size by another scale": [
        values(pool("interpolate", scale_factor=2.2), np.arange(4.0).reshape(1, 1, *shape))
        for shape in ((4,), (4, 1), (4, 1, 1))
    ],
    "`interpolate`, linear or antialias, to the same size by a scale": [
        values(pool("interpolate", scale_factor=(1.1, 2.2), mode=mode, antialias=smooth), np.eye(3)[None, None])
        for mode, smooth in (("bilinear", False), ("bilinear", True), ("bicubic", True), ("bicubic", False))
    ],
    "`interpolate`, antialias, to one column": [
        values(pool("interpolate", size=(3, 1), mode="bilinear", antialias=True), np.arange(6.0).reshape(1, 1, 3, 2)),
    ],
    "`interpolate` to one element, corners aligned": [
        values(pool("interpolate", size=1, mode="linear", align_corners=True), np.arange(4.0).reshape(1, 1, 4)),
    ],
    "convolution: infinite numbers beside padding": [
        values(pool("conv1d", padding=1), [[[1.0, 2.0]]], [[[INF, 1.0, 1.0]]]),
    ],
    "convolution: NaN in an image": [
        values(pool("conv1d", padding=1), [[[1.0, NAN, 2.0, 3.0, 4.0]]], [[[1.0, 1.0, 1.0]]]),
    ],
    "`ctc_loss` without a path": [values(path), values(lambda m: path(m, zero_infinity=True))],
    "`irfft`: imaginary part of the first and last element": [values(lambda m, x: m.fft.irfft(x), [1 + 5j, 2, 3 + 7j])],
    "matrices without rows: `det`, `inv`": [
        values(lin("det"), np.zeros((0, 0))), values(lin("inv"), np.zeros((2, 0, 0))),
    ],
    "matrices without rows, power 0: gradient": [
        slopes(lin("det"), np.zeros((2, 0, 0))), slopes(lin("svdvals"), np.zeros((0, 3))),
        slopes(lin("matrix_power", 0), ALL),
    ],
}  # fmt: skip
OURS: dict[str, Any] = {
    "real eigenvectors of `eigh`: sign": lambda found: found[0].all(),
    "eigenvectors of equal eigenvalues: gradient": lambda found: not found[0].any(),
    "a zero on the diagonal in `solve_triangular`, `lu_solve`": "the matrix is singular: pivot 1 is 0",
    "`det` of a singular matrix: gradient": "the matrix is singular",
    "NaN in a matrix: `eigvalsh`": "did not converge for the matrix",
    "`max_unpool` of two numbers at one place": lambda found: found[0].tolist() == [[0, 2, 0, 0]],
    "`interpolate`, antialias, to one column": lambda found: found[0].ravel().tolist() == [0.5, 2.5, 4.5],
    "convolution: infinite numbers beside padding": lambda found: found[0].tolist() == [[[3, INF]]],
}
"""What is ours alone: a check of the results, or what the error says."""
PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
ROWS = dict(re.findall(r"^\| (?!case|--)(.+?) \| .+ \| (.+?) \|$", PAGE.read_text(), re.MULTILINE))


def test_the_page_and_the_table_list_the_same() -> None:
    assert list(ROWS) == list(CASES)
    assert {name for name, said in ROWS.items() if said.startswith("–")} == set(OURS)


@pytest.mark.parametrize("name", CASES)
def test_a_convention(name: str) -> None:
    for case in CASES[name]:
        if name in OURS:
            said = OURS[name]
            if isinstance(said, str):
                with pytest.raises(tn.linalg.LinAlgError, match=said):
                    case(tn)
            else:
                assert said(case(tn))
            continue
        try:
            wanted = case(torch)
        except RuntimeError:
            with pytest.raises(tn.linalg.LinAlgError, match=r"matrix( 1 of the batch)? is|for the matrix"):
                case(tn)
            continue
        for x, y in zip(case(tn), wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-12)
