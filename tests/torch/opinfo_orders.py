"""OpInfos of convolution, pooling, sampling, matrices and transforms at every order: second gradients, forward mode,
vmap, and half precision, against PyTorch.

    python -m tests.torch.opinfo_orders                     five samples a dtype
    python -m tests.torch.opinfo_orders --samples 2 conv    OpInfos whose name has a word

A line for each sample that does not agree, then a count. What PyTorch refuses is counted as skipped.
"""

from __future__ import annotations

import argparse
import collections
import re
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.torch import opinfo
from tests.torch.opinfo import Missing, attempt, described, differs, face, inputs_of, leaves, taken_over, weights

NAMES = re.compile(
    r"linalg\.|fft\.|cholesky|lu|qr$|svd$|triangular_solve|ormqr|orgqr|logdet|pinverse|inverse|det$|matrix_exp|i?stft|"
    r"nn\.functional\.(conv|\w*pool|\w*unpool|fold|unfold|interpolate|upsample|grid_sample|affine_grid|pixel|channel_shuffle|pad|ctc)"
)
UNLIKE = {
    "jvp": "linalg.cholesky linalg.cholesky_ex linalg.eigh linalg.eig linalg.eigvals triangular_solve "
    "nn.functional.max_unpool1d nn.functional.max_unpool2d nn.functional.max_unpool3d",
    "vmap": "linalg.eig linalg.eigvals",
    "second": "linalg.eig linalg.eigvals matrix_exp istft linalg.norm",
    "half": "matrix_exp",
}
"""OpInfos that may differ: tangents that are not Hermitian or triangular, two numbers at one place, the order of
eigenvalues, ill-conditioned samples, norms at 0 (docs/conventions.md, docs/transforms.md)."""
Call = Callable[..., Any]


class Sample:
    """A sample for both libraries: functions of the tensors that require grad."""

    def __init__(self, op: Any, mine: Call, sample: Any) -> None:
        if "hermitian" in getattr(op.gradcheck_wrapper, "__name__", ""):
            x = sample.input.detach()
            sample.input = (x + x.mH).requires_grad_(sample.input.requires_grad)
        memo: dict[int, Any] = {}
        process = sample.output_process_fn_grad
        process = process if isinstance(process, types.FunctionType) and not process.__closure__ else None
        given = [sample.input, list(sample.args), sample.kwargs]
        self.theirs = inputs_of(sample)
        self.f = function(torch, op.op, given, self.theirs, process)
        taken = taken_over(given, memo)
        self.ours = [memo[id(x)][0] for x in self.theirs]
        self.g = function(face, mine, taken, self.ours, opinfo.rebound(process) if process else None)


def function(lib: Any, fn: Call, given: Any, tensors: list[Any], process: Call | None) -> Call:
    """The tensors of a result as a function of some of the arguments."""
    places = {id(x): k for k, x in enumerate(tensors)}

    def put(x: Any, values: tuple[Any, ...]) -> Any:
        if id(x) in places:
            return values[places[id(x)]]
        if isinstance(x, dict):
            return {k: put(v, values) for k, v in x.items()}
        return type(x)([put(v, values) for v in x]) if type(x) in (tuple, list) else x

    def call(*values: Any) -> tuple[Any, ...]:
        x, args, kwargs = put(given, values)
        out = fn(x, *args, **kwargs)
        return tuple([y for y in leaves(process(out) if process else out) if isinstance(y, lib.Tensor)])

    return call


def total(lib: Any, out: Any) -> Any:
    """Fixed weights times results and their squares; None where nothing has a gradient."""
    found = None
    for x in out:
        if x is not None and x.requires_grad:
            real = (x.abs() if x.is_complex() else x).to(lib.float64)
            term = ((real + 0.3 * real * real) * lib.tensor(weights(x))).sum()
            found = term if found is None else found + term
    return found


def gradients(lib: Any, f: Call, xs: list[Any], order: int) -> list[Any]:
    """The gradient of the total, or the gradient of that one's total."""
    out: Any = f(*xs)
    for k in range(order):
        end = total(lib, out)
        if end is None:
            return []
        out = lib.autograd.grad(end, xs, create_graph=k + 1 < order, allow_unused=True)
    return [None if g is None or float(g.detach().abs().sum()) == 0 else g.detach() for g in out]


def second(s: Sample) -> tuple[Any, Any, float]:
    theirs, ours = gradients(torch, s.f, s.theirs, 2), lambda: gradients(face, s.g, s.ours, 2)
    return theirs, ours, 100.0


def half(s: Sample) -> tuple[Any, Any, float]:
    theirs = [*[y.detach() for y in s.f(*s.theirs)], *gradients(torch, s.f, s.theirs, 1)]
    return theirs, lambda: [*[y.detach() for y in s.g(*s.ours)], *gradients(face, s.g, s.ours, 1)], 4.0


def forward(s: Sample) -> tuple[Any, Any, float]:
    """Forward mode along fixed tangents."""
    along = [np.cos(np.arange(x.numel()) + 2.0).reshape(tuple(x.shape)) * (1 + 1j * x.is_complex()) for x in s.theirs]
    pairs = ((torch, s.f, s.theirs), (face, s.g, s.ours))
    (there, here) = [
        (lib, f, tuple([x.detach() for x in xs]), tuple([lib.tensor(along[k]).to(x.dtype) for k, x in enumerate(xs)]))
        for lib, f, xs in pairs
    ]

    def tangents(lib: Any, f: Call, xs: Any, ts: Any) -> list[Any]:
        out, found = lib.func.jvp(f, xs, ts)
        return [t.detach() for y, t in zip(out, found, strict=True) if y.is_floating_point() or y.is_complex()]

    return tangents(*there), lambda: tangents(*here), 10.0


def mapped(s: Sample) -> tuple[Any, Any, float]:
    """Three examples mapped, beside a loop of PyTorch's."""
    theirs = [torch.stack([x.detach() * k for k in (1.0, 0.9, 1.1)]) for x in s.theirs]
    ours = [opinfo.of_tensor(x) for x in theirs]
    loop = [torch.stack(ys).detach() for ys in zip(*[s.f(*[x[i] for x in theirs]) for i in range(3)], strict=True)]
    return loop, lambda: [y.detach() for y in face.func.vmap(s.g)(*ours)], 10.0


KINDS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    "second": (second, (torch.float64, torch.complex128)),
    "jvp": (forward, (torch.float64, torch.complex128)),
    "vmap": (mapped, (torch.float64, torch.complex128)),
    "half": (half, (torch.float16, torch.bfloat16)),
}


def compared(kind: str, sample: Sample) -> str:
    """What became of a sample: "ok", "skipped", or where the two differ."""
    (parts, their_error) = attempt(KINDS[kind][0], sample)
    if their_error is not None:
        return "skipped"
    theirs, call, slack = parts
    ours, error = attempt(call)
    if error is not None:
        return f"{type(error).__name__}: {str(error)[:160]!r}"
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else [(ours, theirs)]
    return next((why for a, b in pairs if (why := differs(a, b, slack=slack)) is not None), "ok")


def swept(word: str, most: int) -> tuple[collections.Counter[str], list[str]]:
    """Counts by kind, and a line for each sample that differs."""
    counts: collections.Counter[str] = collections.Counter()
    lines = []
    for op in opinfo.op_db():
        if not NAMES.match(op.name) or word not in op.name or op.name in opinfo.RANDOM or not opinfo.in_scope(op):
            continue
        mine = opinfo.face_of(op)
        for kind, (_, dtypes) in KINDS.items():
            for dtype in dtypes:
                for sample in drawn(op, dtype, most):
                    try:
                        found = compared(kind, Sample(op, mine, sample))
                    except Missing:
                        found = "skipped"
                    if found not in ("ok", "skipped") and op.name in UNLIKE[kind].split():
                        found = "argued"
                    counts[f"{kind}, {found if found in ('ok', 'skipped', 'argued') else 'differs'}"] += 1
                    if found not in ("ok", "skipped", "argued"):
                        lines.append(f"{kind} {op.name}: {described(sample)[:120]}: {found}")
    return counts, lines


def drawn(op: Any, dtype: Any, most: int) -> list[Any]:
    """So many of the samples of an OpInfo, spread over all; those with nothing to differentiate are left out."""
    if not op.supports_dtype(dtype, "cpu") or not op.supports_autograd:
        return []
    found = [s for s in op.sample_inputs("cpu", dtype, requires_grad=True) if inputs_of(s)]
    return [found[int(k * len(found) / most)] for k in range(most)] if len(found) > most else found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="?", default="", help="part of the names to run")
    parser.add_argument("--samples", type=int, default=5, help="samples of a dtype")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    counts, lines = swept(options.word, options.samples)
    print(*lines, *[f"{name}: {n}" for name, n in sorted(counts.items())], sep="\n")
    return bool(lines)


if __name__ == "__main__":
    raise SystemExit(main())
