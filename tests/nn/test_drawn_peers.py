"""Every layer and loss of `torch.nn` with drawn arguments, dtypes and shapes, beside PyTorch.

Values, gradients, gradients of gradients, buffers, state_dicts both ways, and the printed form.
`python -m tests.nn.test_drawn_peers --seed 40 --cases 4 [--face] [names]` draws more of them than the test.
"""

from __future__ import annotations

import argparse
import collections
import inspect
import re
import sys
import traceback
import warnings
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tests.nn.drawn_layers import TABLE, Constant, Draw

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
OWN_LIMITS = ("not implemented for", "select(): index 0 out of range for tensor of size [0]")
"""What PyTorch says of what its kernels do not do."""
EDGES = {"ELU", "CELU", "SELU", "PReLU", "Softplus"}
"""Layers whose second gradient at 0 is that of the other side in PyTorch, and whose slope there is rounded."""
VALUES = {"CrossMapLRN2d"}
"""Layers whose gradient in PyTorch is another one than that of their values (`gradcheck` refuses it)."""
TOLERANCE = {"float64": 1e-8, "float32": 2e-4, "float16": 3e-2, "bfloat16": 2e-1}
WIDE_ONLY = {"LinearCrossEntropyLoss"}
"""Layers whose half-precision result hangs on the order of a long sum, or is that of another formula."""


class Unlike(Exception):
    """A difference, of a kind."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Side:
    """One library's tensors and layers, with the leaves of a case."""

    def __init__(self, lib: Any, dtype: str, turned: bool) -> None:
        self.lib, self.dtype, self.turned = lib, getattr(lib, dtype), turned
        self.leaves: list[Any] = []

    def given(self, x: Any) -> Any:
        """An argument of this library: floating arrays are leaves."""
        if isinstance(x, Constant):
            return self.tensor(x.array)
        if isinstance(x, tuple):
            return tuple(self.given(y) for y in x)
        if isinstance(x, dict):
            return {name: self.option(y) for name, y in x.items()}
        if not isinstance(x, np.ndarray):
            return x
        if x.dtype.kind != "f":
            return self.lib.tensor(x)
        leaf = self.lib.tensor(x, dtype=self.dtype, requires_grad=True)
        self.leaves.append(leaf)
        if self.turned and x.ndim > 1:
            return leaf.transpose(0, -1).clone().contiguous().transpose(0, -1)
        return leaf.clone()

    def option(self, x: Any) -> Any:
        """An option of this library: arrays are constants."""
        return self.given(Constant(x)) if isinstance(x, np.ndarray) else self.given(x)

    def tensor(self, x: Any) -> Any:
        return self.lib.tensor(x, dtype=self.dtype) if x.dtype.kind == "f" else self.lib.tensor(x)

    def layer(self, name: str, given: dict[str, Any]) -> Any:
        make = getattr(self.lib.nn, name)
        options = {k: self.option(v) for k, v in given.items()}
        if name in {"RNN", "LSTM", "GRU"} or "dtype" in inspect.signature(getattr(torch.nn, name)).parameters:
            options["dtype"] = self.dtype
        return make(**options)


def array(x: Any) -> Any:
    """The elements of a tensor of either library, the half precisions widened."""
    if "float16" in str(x.dtype):
        x = x.float() if hasattr(x, "float") else x.astype(tn.float32)
    return np.asarray(x.detach().numpy(force=True) if isinstance(x, torch.Tensor) else x.detach().numpy())


def parts(x: Any) -> list[Any]:
    """The tensors of a result, in order."""
    if isinstance(x, tuple | list):
        return [y for z in x for y in parts(z)]
    return [x]


def equal(what: str, ours: Any, theirs: Any, dtype: str, kind: str) -> None:
    """The same shape, dtype and elements."""
    if (ours is None) != (theirs is None):
        raise Unlike(kind, f"{what}: {'None' if ours is None else 'a tensor'} here")
    if ours is None:
        return
    if tuple(ours.shape) != tuple(theirs.shape):
        raise Unlike("shape", f"{what}: {tuple(ours.shape)} here, {tuple(theirs.shape)} there")
    if str(ours.dtype).rpartition(".")[2] != str(theirs.dtype).rpartition(".")[2]:
        raise Unlike("dtype", f"{what}: {ours.dtype} here, {theirs.dtype} there")
    a, b, tolerance = array(ours), array(theirs), TOLERANCE[dtype]
    scale = np.abs(b[np.isfinite(b)]).max(initial=1.0) if b.dtype.kind == "f" else 1.0
    if not np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
        raise Unlike(kind, f"{what}: {a.ravel()[:6]} here, {b.ravel()[:6]} there")


def weighted(lib: Any, results: list[Any]) -> Any:
    """The sum of all floating results, each element with a weight of its own."""
    total: Any = 0
    for k, y in enumerate(results):
        if y is not None and "float" in str(y.dtype) and y.requires_grad:
            w = np.random.default_rng(k).normal(size=tuple(y.shape))
            total = total + (y * lib.tensor(w, dtype=y.dtype)).sum()
    return total


def called(side: Side, layer: Any, inputs: list[Any]) -> list[Any]:
    side.leaves = []
    given = [side.given(x) for x in inputs]
    options = given.pop() if given and isinstance(given[-1], dict) else {}
    while given and given[-1] is None:
        given.pop()
    if type(layer).__name__ == "CTCLoss":  # whose gradient for what is no logarithm is another one
        given[0] = given[0].log_softmax(-1)
    return parts(layer(*given, **options))


def attempted(work: Any) -> tuple[Any, Exception | None]:
    try:
        return work(), None
    except Exception as error:
        return None, error


def compared(name: str, seed: Any, lib: Any) -> str:
    """One drawn case: "same", or "refused" when both refuse it; Unlike is raised otherwise."""
    d = Draw(seed)
    given, inputs = TABLE[name](d)
    dtypes = ["float64", "float64", "float32"] + ([] if name in WIDE_ONLY else ["float16", "bfloat16"])
    dtype = d.one(*dtypes)
    evaluated, turned = d.flag(0.3), d.flag(0.3)
    if name.endswith("Loss") and "Dropout" not in name and dtype in {"float16", "bfloat16"}:
        dtype = "float32"
    b, a = Side(lib, dtype, turned), Side(torch, dtype, turned)
    theirs, refusal = attempted(lambda: a.layer(name, given))
    ours, error = attempted(lambda: b.layer(name, given))
    steps = d.size(1, 2)
    for step in range(steps if refusal is None else 0):
        if step == 0 and error is None:
            theirs.train(not evaluated)
            ours.train(not evaluated)
            if "Lazy" in name:
                attempted(lambda: called(a, theirs, inputs))
                _, error = attempted(lambda: called(b, ours, inputs))
            if error is None and "Lazy" not in type(theirs).__name__:
                exchanged(d, ours, theirs, lib)
        first, refusal = attempted(lambda: called(a, theirs, inputs))
        if refusal is not None:
            _, error = (
                (None, error)
                if error
                else attempted(lambda: [array(x) for x in called(b, ours, inputs) if x is not None])
            )
            break
        if error is not None:
            break
        second, error = attempted(lambda: called(b, ours, inputs))
        if error is None:
            results_alike(a, b, theirs, ours, first, second, dtype, name)
    if refusal is not None:
        if error is None and not any(limit in str(refusal) for limit in OWN_LIMITS):
            raise Unlike("accepted", f"there {type(refusal).__name__}: {str(refusal).splitlines()[0][:150]}")
        if error and not isinstance(error, type(refusal)) and lib is not tn:
            raise Unlike("class", f"{type(error).__name__}: {error} here, {type(refusal).__name__}: {refusal} there")
        return "refused"
    if error is not None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise Unlike("refused", f"{type(error).__name__}: {str(error)[:300]} ({last.filename[-40:]}:{last.lineno})")
    return "same"


def exchanged(d: Draw, ours: Any, theirs: Any, lib: Any) -> None:
    """State of PyTorch's layer in ours, and back; printed alike."""
    printed = repr(theirs).replace("NonDynamicallyQuantizableLinear", "Linear") if lib is tn else repr(theirs)
    if repr(ours) != printed:
        raise Unlike("printed", f"{ours!r} here, {theirs!r} there".replace("\n", " "))
    state = theirs.state_dict()
    if list(ours.state_dict()) != list(state):
        raise Unlike("keys", f"{list(ours.state_dict())} here, {list(state)} there")
    for w in state.values():
        if w.is_floating_point():
            w.copy_(torch.tensor(d.rng.uniform(0.2, 1.5, size=tuple(w.shape))))
    ours.load_state_dict(
        {k: lib.tensor(array(v)).to(getattr(lib, str(v.dtype).rpartition(".")[2])) for k, v in state.items()}
    )
    for k, v in ours.state_dict().items():
        if tuple(v.shape) != tuple(state[k].shape) or not np.array_equal(array(v), array(state[k])):
            raise Unlike("state", k)
    theirs.load_state_dict({k: torch.tensor(array(v)).to(state[k].dtype) for k, v in ours.state_dict().items()})


def results_alike(a: Side, b: Side, theirs: Any, ours: Any, first: Any, second: Any, dtype: str, name: str) -> None:
    if len(first) != len(second):
        raise Unlike("shape", f"{len(second)} results here, {len(first)} there")
    for k, (x, y) in enumerate(zip(second, first, strict=True)):
        equal(f"result {k}", x, y, dtype, "numbers")
        if x is not None and x.requires_grad != y.requires_grad:
            raise Unlike("flags", f"result {k}: requires_grad {x.requires_grad} here")
    for (k, x), y in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        equal(k, x, y, dtype, "state")
    total = weighted(torch, first)
    if isinstance(total, int) or name in VALUES:
        return
    mine = weighted(b.lib, second)
    leaves = [*a.leaves, *theirs.parameters()]
    own = [*b.leaves, *ours.parameters()]
    twice = dtype == "float64" and name not in EDGES
    dtype = "float32" if name in EDGES and dtype == "float64" else dtype
    gradients, refusal = attempted(lambda: torch.autograd.grad(total, leaves, allow_unused=True, create_graph=twice))
    if refusal is not None:
        return
    found = b.lib.autograd.grad(mine, own, allow_unused=True, create_graph=twice)
    for k, (x, y) in enumerate(zip(found, gradients, strict=True)):
        equal(f"gradient {k}", *filled(x, y, b.lib), dtype, "gradient")
    if not twice:
        return
    total, mine = weighted(torch, gradients), weighted(b.lib, found)
    if isinstance(total, int) or isinstance(mine, int):
        return
    seconds, refusal = attempted(lambda: torch.autograd.grad(total, leaves, allow_unused=True))
    if refusal is None:
        for k, (x, y) in enumerate(zip(b.lib.autograd.grad(mine, own, allow_unused=True), seconds, strict=True)):
            equal(f"second gradient {k}", *filled(x, y, b.lib), dtype, "second")


def filled(ours: Any, theirs: Any, lib: Any) -> tuple[Any, Any]:
    """None is zeros, where the other is there."""
    if ours is None and theirs is not None:
        return lib.tensor(np.zeros(tuple(theirs.shape))).to(getattr(lib, str(theirs.dtype).rpartition(".")[2])), theirs
    if theirs is None and ours is not None:
        return ours, torch.zeros(tuple(ours.shape), dtype=getattr(torch, str(ours.dtype).rpartition(".")[2]))
    return ours, theirs


def run(names: list[str], seed: int, cases: int, lib: Any) -> tuple[collections.Counter[str], list[str]]:
    """The kinds of outcome, and a line for each case that is unlike."""
    kinds: collections.Counter[str] = collections.Counter()
    lines = []
    for name in names:
        for k in range(cases):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    kinds[compared(name, [seed, k, *name.encode()], lib)] += 1
            except Unlike as error:
                kinds[error.kind] += 1
                lines.append(f"{name} {k} {error.kind}: {error}")
            except Exception as error:
                kinds["broken"] += 1
                last = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{last.filename[-40:]}:{last.lineno}"
                lines.append(f"{name} {k} broken: {type(error).__name__}: {str(error)[:300]} ({where})")
    return kinds, lines


@pytest.mark.parametrize("name", TABLE)
def test_drawn_cases(name: str) -> None:
    kinds, lines = run([name], 7, 2, tn)
    assert not lines, (kinds, lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=4)
    parser.add_argument("--face", action="store_true", help="tenure.torch in place of tenure")
    given = parser.parse_args()
    lib: Any = tn
    if given.face:
        import tenure.torch as lib  # type: ignore[no-redef]
    names = [n for n in TABLE if not given.names or any(re.fullmatch(p, n) for p in given.names)]
    kinds, lines = run(names, given.seed, given.cases, lib)
    print(*lines, sep="\n")
    print(dict(kinds), f"{kinds['same'] + kinds['refused']} of {kinds.total()}")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
