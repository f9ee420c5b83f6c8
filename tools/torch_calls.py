"""Calls of PyTorch's operations on small tensors, and what they are seen to do: storages, versions, saved tensors.

`torch_effects.py` asks what operations without a derivative formula save; the tests compare the whole table.
"""

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

COMBINATIONS = 400  # of arguments that are tried for an overload
ENOUGH = 3  # calls that succeeded, for an overload

Observer = Callable[[list[Any]], "Seen"]


@dataclass
class Seen:
    """What calls did, over all that succeeded; arguments by position, -1 the result."""

    calls: int = 0
    written: set[int] = field(default_factory=set)
    shared: set[int] = field(default_factory=set)
    always_shared: set[int] | None = None
    same: set[int] = field(default_factory=set)
    saved: set[int] = field(default_factory=set)


def call_all(torch: Any, call: Callable[..., Any], schemas: Sequence[Any], of: Observer, *, writes: bool) -> None:
    """Call a function with inputs for each of its overloads; `of` gives where to note what a call did."""
    for schema in schemas:
        for differentiable in (False, True):
            done = 0
            for arguments in samples(torch, schema, differentiable):
                if done == ENOUGH:
                    break
                if writes and differentiable:
                    arguments = [computed(torch, a) for a in arguments]
                done += attempt(torch, of(arguments), call, arguments)


def attempt(torch: Any, seen: Seen, call: Callable[..., Any], arguments: list[Any]) -> bool:
    """Whether the call succeeded; what it did is added to `seen`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            observe(torch, seen, call, arguments)
    except Exception:
        return False
    return True


def observe(torch: Any, seen: Seen, call: Callable[..., Any], arguments: list[Any]) -> None:
    """Call, and add to `seen` what happened."""
    tensors = {i: list(tensors_in(torch, a)) for i, a in enumerate(arguments)}
    versions = {i: [t._version for t in ts] for i, ts in tensors.items()}
    saved: list[int] = []

    def pack(t: Any) -> Any:
        saved.append(storage(t))
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        result = call(*arguments)
    results = [r for r in tensors_in(torch, result) if r.numel()]
    addressed = all(map(storage, itertools.chain(results, *tensors.values())))
    shared = set()
    for i, ts in tensors.items():
        storages = {storage(t) for t in ts if t.numel()}
        if [t._version for t in ts] != versions[i]:
            seen.written.add(i)
        if addressed and any(storage(r) in storages for r in results):
            shared.add(i)
        if any(r is t for r in results for t in ts):
            seen.same.add(i)
        elif addressed and storages & set(saved):
            seen.saved.add(i)
    seen.calls += 1
    seen.shared |= shared
    if results and addressed:
        seen.always_shared = shared if seen.always_shared is None else seen.always_shared & shared
    if {storage(r) for r in results} & set(saved):
        seen.saved.add(-1)


def storage(t: Any) -> int:
    """The address of a tensor's memory; 0 for those without one (sparse tensors)."""
    try:
        return t.untyped_storage().data_ptr()  # type: ignore[no-any-return]
    except (NotImplementedError, RuntimeError):
        return 0


def tensors_in(torch: Any, value: Any) -> Iterator[Any]:
    """The tensors in an argument or a result."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(torch, item)


def samples(torch: Any, schema: Any, differentiable: bool) -> Iterator[list[Any]]:
    """Arguments for one overload: those without a default."""
    wanted = [a for a in schema.arguments if not a.has_default_value() and not a.is_out]
    if any(a.kwarg_only for a in wanted):
        return
    choices = [choices_for(torch, a, differentiable) for a in wanted]
    for chosen in itertools.islice(itertools.product(*choices), COMBINATIONS):
        yield [make() for make in chosen]


def choices_for(torch: Any, argument: Any, differentiable: bool) -> list[Callable[[], Any]]:
    """What is tried for one argument of a schema; each makes a fresh one."""
    kind = str(argument.type).removeprefix("Optional[").rstrip("]")
    if kind == "Tensor" or kind.startswith(("List[Tensor", "List[Optional[Tensor")):
        return tensors_for(torch, argument.name, kind != "Tensor", differentiable)
    values: dict[str, Sequence[Any]] = {
        "List[int": ([2], [1], [2, 2], [0, 1], [-1], [0], [1, 1]),
        "int": (0, 1, 2),
        "float": (0.5, 1),
        "number": (0.5, 1),
        "bool": (False, True),
        "str": ("mean", "ij", "ij,jk"),
    }
    return [lambda v=v: v for v in values.get(kind, (None,))]  # type: ignore[misc]


def tensors_for(torch: Any, name: str, listed: bool, differentiable: bool) -> list[Callable[[], Any]]:
    """Tensors of a few shapes and dtypes; an index or a mask where the name asks for one."""

    def floats(*shape: int) -> Callable[[], Any]:
        count = torch.Size(shape).numel()
        return lambda: torch.linspace(0.1, 0.9, count).reshape(shape).requires_grad_(differentiable)

    def index(*rows: Any) -> Callable[[], Any]:
        return lambda: torch.tensor(rows)

    if listed:
        pairs = (floats(2, 2), floats(2), floats(1, 4, 4), floats(2, 2, 2), index(0, 1))
        ones = [lambda f=f: [f()] for f in pairs]
        return [*(lambda f=f: [f(), f()] for f in pairs), *ones]
    if "ind" in name or name in ("pivots", "repeats"):
        return [index(0, 1), index([0, 1], [1, 0])]
    if "mask" in name or name == "condition":
        return [lambda: torch.tensor([[True, False], [False, True]])]
    shapes = ((2, 2), (2,), (1, 1, 4, 4), (1, 1, 4), (1, 1, 4, 4, 4), (2, 2, 2), ())
    boolean = lambda: torch.tensor([[True, False], [False, True]])  # noqa: E731
    waves = lambda: torch.tensor([[1 + 1j, 2j], [3 + 0j, 1 - 1j]], requires_grad=differentiable)  # noqa: E731
    sparse = lambda: torch.eye(2).to_sparse()  # noqa: E731
    return [*(floats(*s) for s in shapes), index(0, 1), index([0, 1], [1, 0]), boolean, waves, sparse]


def computed(torch: Any, value: Any) -> Any:
    """What may be written although it requires grad: no leaf."""
    if isinstance(value, torch.Tensor) and value.requires_grad:
        return value.clone()
    return [computed(torch, v) for v in value] if isinstance(value, list) else value
