"""The table of NumPy's calls against NumPy: shared memory and changed contents of calls on small arrays."""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tenure.check.effects import tables
from tenure.check.effects.effect import Effect

MODULES = ["numpy", "numpy.linalg", "numpy.fft", "numpy.lib.stride_tricks", "numpy.random"]
FILES = {"save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile", "fromregex"}
FILES |= {"tofile", "dump", "memmap"}
STATE = {"set_printoptions", "seterr", "seed", "set_state", "errstate"}
NEVER_CALLED = {"fromfunction", "fromstring", "vectorize", "frompyfunc", "apply_along_axis", "apply_over_axes"}
NEVER_CALLED |= {"piecewise", "einsum_path", "setflags", "iterable", "datetime64", "timedelta64", "setfield"}
NEVER_CALLED |= {"isnat", "bytes", "itemset", "newbyteorder", "tostring", "busday_count"}
NEVER_CALLED |= {"multinomial", "hypergeometric", "noncentral_f", "triangular", "spawn", "fftfreq", "rfftfreq"}
NEVER_CALLED |= {"Generator", "RandomState", "mask_indices", "mgrid", "ogrid", "typename", "ptp"}
NEVER_CALLED |= {"__bool__", "__float__", "__format__", "__index__", "__int__", "__complex__", "to_device"}
ENOUGH = 12
SHARES_NO_SAMPLE = {"real_if_close", "asmatrix", "require"}


def ones() -> list[Callable[[], Any]]:
    """What is tried for the first argument."""
    return [
        lambda: np.array([[4.0, 1.0], [2.0, 3.0]]),
        lambda: np.array([3.0, 1.0, np.nan, 1.5]),
        lambda: np.array([[4, 1], [2, 3]]),
        lambda: np.array([3, 1, 2]),
        lambda: np.array([0, 1], dtype=np.uint8),
        lambda: np.array([[4 + 1j, 1.0], [2.0, 3.0]]),
        lambda: [np.array([3.0, 1.0]), np.array([2.0, 4.0])],
        lambda: np.array([True, False]),
        lambda: np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]),
        lambda: (2, 2),
        lambda: "float64",
        lambda: 0.5,
        lambda: 3,
        lambda: slice(0, 2),
        lambda: np.float64,
    ]


def others() -> list[Callable[[], Any]]:
    """What is tried for later ones."""
    return [
        lambda: np.array([[0.5, 0.25], [0.1, 0.75]]),
        lambda: np.array([0, 1]),
        lambda: 0,
        lambda: 1,
        lambda: 2,
        lambda: (0, 1),
        lambda: (4,),
        lambda: (2, 2),
        lambda: "float64",
        lambda: np.array([[True, False], [False, True]]),
        lambda: np.array([0.5, 0.25, 1.0]),
        lambda: [np.array([0, 1])],
        lambda: "ij->ji",
        lambda: True,
        lambda: False,
    ]


def arguments(receiver: bool) -> Iterator[list[Any]]:
    for count in range(3 if receiver else 4):
        choices = [ones(), others(), others()[:6]][:count]
        for chosen in itertools.product(*choices):
            yield [make() for make in chosen]


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item)


class Seen:
    def __init__(self) -> None:
        self.calls = 0
        self.written: set[int] = set()
        self.shared: set[int] = set()
        self.always: set[int] | None = None

    def call(self, call: Callable[..., Any], given: list[Any]) -> None:
        before = [[a.copy() for a in arrays(g)] for g in given]
        addresses = [[a.ctypes.data for a in arrays(g)] for g in given]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = call(*given)
        self.calls += 1
        shared = set()
        for i, g in enumerate(given):
            for a, b, address in zip(arrays(g), before[i], addresses[i], strict=True):
                if a.ctypes.data != address or a.shape != b.shape or a.tobytes() != b.tobytes():
                    self.written.add(i)
                if any(np.shares_memory(a, r) for r in arrays(result)):
                    shared.add(i)
        self.shared |= shared
        if any(r.size for r in arrays(result)):
            not_arrays = {i for i, g in enumerate(given) if not isinstance(g, np.ndarray)}
            self.always = (shared | not_arrays) & (self.always if self.always is not None else {*range(9)})

    def add(self, other: Seen) -> None:
        self.calls += other.calls
        self.written |= other.written
        self.shared |= other.shared
        if other.always is not None:
            self.always = other.always & (self.always if self.always is not None else other.always)


def positions(names: tuple[str, ...]) -> set[int]:
    plain = {name.split("[")[0].rstrip("+") for name in names}
    return {int(name) for name in plain if name.isdigit()}


def disagreements(effect: Effect, seen: Seen, name: str) -> Iterator[str]:
    outs = {i for i, name in enumerate(effect.parameters) if name.startswith("out")}
    written = (positions(effect.writes) | positions(effect.rebinds)) - outs
    if seen.written - written - outs:
        yield f"writes {seen.written - written}"
    if written - seen.written:
        yield f"never writes {written - seen.written}"
    relation, of = effect.items or effect.result, positions(effect.of)
    if relation in ("iteration", "unknown"):
        return
    allowed = (set() if relation == "owned" else of) | outs
    variadic = any(name.endswith("+") for name in effect.of)
    if seen.shared - allowed and not (variadic and min(seen.shared) >= min(of)):
        yield f"shares memory with {seen.shared - allowed}"
    if relation in ("view", "alias") and seen.always is not None and of - seen.always:
        yield f"not always a {relation} of {of}"
    if relation == "maybe-view" and not seen.shared and name not in SHARES_NO_SAMPLE:
        yield "never shares memory"


def calls_of(call: Callable[..., Any], effect: Effect, receiver: Callable[[], Any] | None) -> dict[Effect, Seen]:
    """What calls did, by the effect that the table states for their constant arguments."""
    out: dict[Effect, Seen] = defaultdict(Seen)
    done = 0
    rare = RARE.get(getattr(call, "__name__", ""), list)()
    for given in itertools.chain([rare] if rare else [], arguments(receiver is not None)):
        if done == ENOUGH:
            break
        if receiver is not None:
            given = [receiver(), *given]
        constants = {str(i): bool(g) for i, g in enumerate(given) if not isinstance(g, np.ndarray)}
        try:
            out[effect.given(constants)].call(call, given)
        except Exception:
            continue
        done += 1
    return out


RARE: dict[str, Callable[[], list[Any]]] = {  # arguments that the samples above do not hit upon
    "swapaxes": lambda: [0, 1],
    "put_along_axis": lambda: [np.array([[4.0, 1.0], [2.0, 3.0]]), np.array([[0], [1]]), 9.0, 1],
}
GENERATOR, RANDOM_STATE = np.random.default_rng(1), np.random.RandomState(1)
MAKERS: dict[str, list[Callable[[], Any]]] = {
    "ndarray": ones()[:6],
    "rng": [lambda: GENERATOR, lambda: RANDOM_STATE],
}


def entries(what: str, of: str) -> list[str]:
    return sorted(tables._sections("numpy")[what, of])


@pytest.mark.parametrize("module", MODULES)
def test_functions(module: str) -> None:
    home = importlib.import_module(module)
    wrong, uncalled = [], []
    for name in entries("functions", module):
        effect = tables.function(f"{module}.{name}")
        assert effect is not None
        assert hasattr(home, name) or name in ("in1d", "trapz", "row_stack"), f"{module} has no {name}"
        if name in FILES | STATE or not hasattr(home, name):
            continue
        seen = calls_of(getattr(home, name), effect, None)
        if not sum(s.calls for s in seen.values()) and name not in NEVER_CALLED:
            uncalled.append(name)
        wrong += [f"{name}: {text}" for e, s in seen.items() for text in disagreements(e, s, name) if s.calls]
    assert not wrong, "\n".join(wrong)
    assert not uncalled


@pytest.mark.parametrize("kind", ["ndarray", "rng"])
def test_methods(kind: str) -> None:
    wrong, uncalled = [], []
    for name in entries("methods", kind):
        effect = tables.method(kind, name)  # type: ignore[arg-type]
        assert effect is not None
        if name in FILES | STATE | {"__getitem__"}:
            continue
        seen: dict[Effect, Seen] = defaultdict(Seen)
        for make in MAKERS[kind]:
            if (call := getattr(type(make()), name, None)) is None:
                continue
            for given, one in calls_of(call, effect, make).items():
                seen[given].add(one)
        if not sum(s.calls for s in seen.values()) and name not in NEVER_CALLED:
            uncalled.append(name)
        wrong += [f"{name}: {text}" for e, s in seen.items() for text in disagreements(e, s, name) if s.calls]
    assert not wrong, "\n".join(wrong)
    assert not uncalled


def test_basic_indices_view() -> None:
    effect = tables.method("ndarray", "__getitem__")
    assert effect is not None and effect.result == "view"
    a = np.arange(6.0).reshape(2, 3)
    for index in (0, slice(1), (0, slice(2)), ..., None, ()):
        assert np.shares_memory(a, a[index])


def test_attributes() -> None:
    for name in entries("attributes", "ndarray"):
        effect = tables.attribute("ndarray", name)
        assert effect is not None
        a = np.array([[1.0, 2.0], [3.0, 4.0]])
        value = getattr(a, name)
        if name in ("flat", "base", "data", "ctypes"):
            continue
        assert isinstance(value, np.ndarray) == (effect.kind == "same"), name
        if isinstance(value, np.ndarray):
            assert effect.result in ("view", "maybe-view")
        else:
            assert not effect.reads, name
    a, waves = np.array([1.0, 2.0]), np.array([1j, 2j])
    assert np.shares_memory(waves.real, waves) and not np.shares_memory(a.imag, a)


@pytest.mark.parametrize("name", sorted(n for n in tables._sections("numpy")["functions", "numpy"] if hasattr(np, n)))
def test_out(name: str) -> None:
    """Where `out` is taken, it is written and comes back; where it is not, the table does not speak of it."""
    effect = tables.function(f"numpy.{name}")
    assert effect is not None
    if effect.out is None or name in NEVER_CALLED:
        return
    call, found = getattr(np, name), 0
    for given in itertools.islice(arguments(False), 300):
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result = call(*given)
                out = np.full(np.shape(result), 77, dtype=np.asarray(result).dtype)
                back = call(*given, out=out)
        except Exception:
            continue
        found += 1
        assert back is out or not isinstance(back, np.ndarray)
        assert out.size == 0 or np.any(out != 77)
        if found == 3:
            break
    assert found


@pytest.mark.parametrize(
    ("call", "argument"),
    [("numpy.array", "copy"), ("numpy.asarray", "copy"), ("numpy.astype", "copy"), ("ndarray.astype", "copy")],
)
def test_copy(call: str, argument: str) -> None:
    a = np.array([1.0, 2.0])
    name = call.split(".")[1]
    for copy in (True, False):
        result = {"array": np.array, "asarray": np.asarray}.get(name, lambda a, copy: a.astype(a.dtype, copy=copy))(
            a, copy=copy
        )
        effect = tables.method("ndarray", name) if call.startswith("ndarray") else tables.function(call)
        assert effect is not None
        relation = effect.given({argument: copy}).result
        assert np.shares_memory(a, result) == (relation == "maybe-view"), (call, copy)
