"""gradcheck, gradgradcheck: derivatives beside differences of the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tenure.errors import DTypeError, GradientError, shown
from tenure.func.transforms import jvp, vjp
from tenure.func.vectorize import vmap
from tenure.values.operations.boundary import array_alone
from tenure.values.operations.creation import tensor
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

Pairs = list[tuple[str, "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]]


class Function:
    """A function of tensors and its arguments, those that require grad to be varied, as one of arrays."""

    def __init__(self, func: Callable[..., Any], inputs: Any) -> None:
        self.func = func
        self.args = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
        self.varied = [k for k, x in enumerate(self.args) if isinstance(x, Tensor) and x.requires_grad]
        if not self.varied:
            raise GradientError("gradcheck: no input requires grad, so there is nothing to check", at=site(here()))
        self.arrays = [array_alone(self.args[k].detach()) for k in self.varied]

    def given(self, values: Sequence[Any]) -> list[Any]:
        """All arguments, with such values for the varied ones."""
        args = [x.detach() if isinstance(x, Tensor) else x for x in self.args]
        for k, x in zip(self.varied, values, strict=True):
            args[k] = x
        return args

    def outputs(self, values: Sequence[Any]) -> list[Any]:
        """The floating results."""
        found = self.func(*self.given(values))
        results = list(found) if isinstance(found, tuple | list) else [found]
        for y in results:
            if not isinstance(y, Tensor):
                raise DTypeError(f"gradcheck: the function returned {shown(y)}, not a tensor")
        return [y for y in results if y.dtype.has_gradient]

    def numbers(self, arrays: Sequence[Any]) -> list[Any]:
        """The results at some point, as arrays of real numbers."""
        values = [tensor(x, dtype=self.args[k].dtype) for k, x in zip(self.varied, arrays, strict=True)]
        return [flat(array_alone(y.detach())) for y in self.outputs(values)]

    def moved(self, tangents: Sequence[Any], eps: float) -> list[Any]:
        """The central difference along some tangents."""
        ends = [self.numbers([x + s * eps * t for x, t in zip(self.arrays, tangents, strict=True)]) for s in (1, -1)]
        return [(a - b) / (2 * eps) for a, b in zip(*ends, strict=True)]

    def units(self) -> Iterator[tuple[int, list[Any]]]:
        """The unit tangents, each with the number of the argument; of complex ones also the imaginary units."""
        for k, x in enumerate(self.arrays):
            for at in range(x.size):
                for one in (1.0, 1.0j) if x.dtype.kind == "c" else (1.0,):
                    tangents = [np.zeros_like(y) for y in self.arrays]
                    tangents[k].reshape(-1)[at] = one
                    yield k, tangents

    def numerical(self, eps: float) -> list[list[Any]]:
        """The Jacobians by differences: for each result and argument, a column for each real number of the argument."""
        columns: list[list[Any]] = [[] for _ in self.arrays]
        for k, tangents in self.units():
            columns[k].append(self.moved(tangents, eps))
        count = len(self.outputs([self.args[k].detach() for k in self.varied]))
        return [[stacked([c[y] for c in columns[k]], -1) for k in range(len(self.arrays))] for y in range(count)]


def stacked(parts: list[Any], axis: int) -> Any:
    """Arrays side by side; none are none."""
    return np.stack(parts, axis) if parts else np.zeros((0, 0))


def flat(x: Any) -> Any:
    """An array as real numbers in a row, parts of complex ones one after the other."""
    x = np.ascontiguousarray(x)
    x = x.view(x.real.dtype) if x.dtype.kind == "c" else x
    return x.reshape(-1).astype(np.float64)


def rows(of: Function, batched: bool) -> list[list[Any]]:
    """The Jacobians by reverse mode: for each result and argument, a row for each real number of the result."""
    values = [tensor(x, dtype=of.args[k].dtype) for k, x in zip(of.varied, of.arrays, strict=True)]
    out, pull = vjp(lambda *xs: of.outputs(xs), *values)
    found = []
    for n, y in enumerate(out):
        zeros = [tensor(np.zeros(z.shape), dtype=z.dtype) for z in out]
        basis = list(cotangents(y))

        def one(g: Any, n: int = n, zeros: list[Any] = zeros) -> Any:
            return pull([g if k == n else z for k, z in enumerate(zeros)])

        if batched and basis:
            wide = vmap(one)(tensor(np.stack(basis), dtype=y.dtype))
            every = [[array_alone(gx.detach())[k] for gx in wide] for k in range(len(basis))]
        else:
            every = [[array_alone(gx.detach()) for gx in one(tensor(g, dtype=y.dtype))] for g in basis]
        found.append([stacked([flat(gs[k]) for gs in every], 0) for k in range(len(values))])
    return found


def cotangents(y: Any) -> Iterator[Any]:
    """The unit cotangents of a result; of a complex one also those of the imaginary parts."""
    kind = np.complex128 if y.dtype.is_complex else np.float64
    for at in range(y.numel()):
        for one in (1.0, 1.0j) if y.dtype.is_complex else (1.0,):
            g = np.zeros(tuple(y.shape), kind)
            g.reshape(-1)[at] = one
            yield g


def columns(of: Function, batched: bool) -> list[list[Any]]:
    """The Jacobians by forward mode: as ``Function.numerical`` has them."""
    values = [tensor(x, dtype=of.args[k].dtype) for k, x in zip(of.varied, of.arrays, strict=True)]
    made: list[list[Any]] = [[] for _ in values]

    def one(*tangents: Any) -> Any:
        return jvp(lambda *xs: of.outputs(xs), values, tangents)[1]

    for k, tangents in of.units():
        given = [tensor(t, dtype=x.dtype) for t, x in zip(tangents, values, strict=True)]
        found = [y[0] for y in vmap(one)(*[t[None] for t in given])] if batched else one(*given)
        made[k].append([flat(array_alone(y.detach())) for y in found])
    count = len(of.outputs(values))
    return [[stacked([c[y] for c in made[k]], -1) for k in range(len(values))] for y in range(count)]


def check_tolerances(name: str, **given: float) -> None:
    """Refuse what is no distance of numbers: ValueError."""
    for argument, x in given.items():
        if not 0 <= x < np.inf or (argument == "eps" and not x):
            least = "above 0" if argument == "eps" else "at least 0"
            raise ValueError(f"{name}: {argument} is {least} and finite, not {x}")


def near(a: Any, b: Any, atol: float, rtol: float) -> bool:
    """Whether two Jacobians agree."""
    return a.size == b.size and bool(np.allclose(a.reshape(b.shape), b, rtol=rtol, atol=atol))


def differing(
    what: str, found: list[list[Any]], expected: list[list[Any]], atol: float, rtol: float
) -> str | None:
    """Message about the first Jacobians that do not agree."""
    for y, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            if not near(a, b, atol, rtol):
                return f"{what} of result {y} by input {k}:\nnumerical:\n{b}\nanalytical:\n{a}"
    return None


@checked_first
def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the derivatives of a function are those that differences of its results give.

    ``func(*inputs)`` returns tensors; the inputs that require grad are varied by ``eps``, so they are best float64.
    Each number may differ by atol + rtol · |difference|. Reverse mode is checked, forward mode too with
    ``check_forward_ad``, and these under ``vmap`` with ``check_batched_grad`` and ``check_batched_forward_grad``; two
    reverse passes may differ by ``nondet_tol``. GradientError where they do not agree, or False without
    ``raise_exception``; GradientError (TN804) if no input requires grad. ``check_undefined_grad``,
    ``check_grad_dtypes`` (both are so by themselves), ``fast_mode`` and ``masked`` have no effect.

    >>> tn.autograd.gradcheck(tn.sin, tn.tensor([0.5, 1.0], dtype=tn.float64, requires_grad=True))
    True
    """
    check_tolerances("gradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    of = Function(func, inputs)
    expected = of.numerical(eps)
    wrong = None
    if check_backward_ad:
        found = rows(of, False)
        wrong = differing("the Jacobian", found, expected, atol, rtol)
        wrong = wrong or differing("a second, different Jacobian", rows(of, False), found, nondet_tol, 0.0)
        if check_batched_grad:
            wrong = wrong or differing("the Jacobian under vmap", rows(of, True), expected, atol, rtol)
    if check_forward_ad:
        wrong = wrong or differing("the forward Jacobian", columns(of, False), expected, atol, rtol)
        if check_batched_forward_grad:
            wrong = wrong or differing("the forward Jacobian under vmap", columns(of, True), expected, atol, rtol)
    if wrong is not None and raise_exception:
        raise GradientError(f"gradcheck: {wrong}", at=site(here()))
    return wrong is None


@checked_first
def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Any] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the second derivatives of a function are those that differences of its gradients give.

    The gradients are those of the results weighted by ``grad_outputs``, of their shapes (random ones by default),
    which are varied too. ``check_rev_over_rev`` and ``check_fwd_over_rev`` say by which mode; the rest is as in
    ``gradcheck``, and ``gen_non_contig_grad_outputs`` has no effect.

    >>> tn.autograd.gradgradcheck(tn.sin, tn.tensor([0.5, 1.0], dtype=tn.float64, requires_grad=True))
    True
    """
    check_tolerances("gradgradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    of = Function(func, inputs)
    count, rng = len(of.args), np.random.default_rng(0)
    results = of.outputs([of.args[k].detach() for k in of.varied])
    given: Any = grad_outputs if isinstance(grad_outputs, tuple | list) else [grad_outputs]
    if grad_outputs is None:
        given = [tensor(rng.standard_normal(tuple(y.shape)), dtype=y.dtype) for y in results]
    weights = [tensor(array_alone(g.detach()), dtype=g.dtype, requires_grad=True) for g in given]

    def gradients(*xs: Any) -> Any:
        args, cotangents = xs[:count], xs[count:]
        out, pull = vjp(lambda *ys: Function.outputs(_with(of, args), ys), *[args[k] for k in of.varied])
        if len(out) != len(cotangents):
            count_of = f"{len(cotangents)} grad_outputs for {len(out)} results"
            raise GradientError(f"gradgradcheck: {count_of}", at=site(here()))
        return pull(list(cotangents))

    form: dict[str, Any] = {"check_backward_ad": check_rev_over_rev, "check_forward_ad": check_fwd_over_rev}
    form |= {"nondet_tol": nondet_tol, "check_batched_grad": check_batched_grad, "raise_exception": raise_exception}
    form |= {"eps": eps, "atol": atol, "rtol": rtol}
    return gradcheck(gradients, [*of.args, *weights], **form)


def _with(of: Function, args: Sequence[Any]) -> Function:
    """The same function, with other arguments for those that are not varied."""
    twin = object.__new__(Function)
    twin.func, twin.args, twin.varied, twin.arrays = of.func, list(args), of.varied, of.arrays
    return twin
