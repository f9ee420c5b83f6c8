"""Write `src/tenure/check/effects/data/torch_schemas.effects`: what PyTorch's own schemas say its calls do.

The alias annotations of `torch._C._jit_get_all_schemas()` say which arguments a call writes and which its results
share memory with; `derivatives.yaml` of the wheel says which arguments and results the backward pass reads, and
calls on small tensors show it for operations that are made of others. What none of them knows (Python functions,
views that are sometimes copies) stands in `torch.effects`, by hand.

Usage: python tools/torch_effects.py, with PyTorch installed.
"""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from torch_calls import Seen, call_all

TABLE = Path(__file__).parents[1] / "src/tenure/check/effects/data/torch_schemas.effects"

SKIPPED = re.compile(r"_|aten|cudnn|fbgemm|fused_moving|miopen|mkldnn|quantized|q_|choose_q|get_device|cummaxmin")

NAMESPACES = {"linalg_": "torch.linalg", "fft_": "torch.fft", "special_": "torch.special"}

SAVED_METADATA = (  # of what these read the backward pass keeps no tensor (load_derivatives.py's own list)
    r"{}(\.|->)(sym_sizes|sym_blocksize|options|numel|sym_numel|scalar_type|dim|sym_strides|layout|is_conj)\(\)",
    r"{}.sym_size\((-?\w+)\)",
    r"(zeros_like|to_args_sizes|to_args_sizes_symint|to_args_scalartypes|TensorGeometry)\({}\)",
)


class Call(NamedTuple):
    """What one overload does, by positions."""

    parameters: tuple[str, ...]
    result: str  # new, alias, view
    of: int | None
    kind: str
    writes: frozenset[int]
    tensors: frozenset[int]


def main() -> None:
    """Write the table."""
    torch = import_module("torch")
    schemas = collect(torch)
    saved = saved_by_backward(torch)
    text = [f"# Written by tools/torch_effects.py from the schemas of PyTorch {torch.__version__.partition('+')[0]}."]
    for module, entries in functions(torch, schemas, saved):
        text += ["", f"[functions {module}]", *lines(entries)]
    text += ["", "[methods tensor]", *lines(methods(torch, schemas, saved))]
    text += ["", "[functions torch.nn]", *lines(modules(torch))]
    text += ["", "[functions torch.optim]", *lines(optimizers(torch))]
    TABLE.write_text("\n".join(text) + "\n", encoding="utf-8")


def lines(entries: dict[str, str]) -> Iterator[str]:
    """Names that share an entry stand on one line."""
    by_entry = defaultdict(list)
    for name, entry in sorted(entries.items()):
        by_entry[entry].append(name)
    for entry, names in by_entry.items():
        yield f"{' '.join(names)}{entry}"


def collect(torch: Any) -> dict[str, list[Any]]:
    """The schemas of aten that take or give tensors, by name."""
    out = defaultdict(list)
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.partition("::")
        types = [str(a.type) for a in (*schema.arguments, *schema.returns)]
        if space == "aten" and any("Tensor" in t for t in types) and not of_the_language(schema):
            out[name].append(schema)
    return out


def of_the_language(schema: Any) -> bool:
    """Whether an overload is TorchScript's: of its lists and dictionaries, not of tensors."""
    return any(
        a.name in ("a", "b", "l", "list", "self", "") and str(a.type).startswith(("List", "Dict"))
        for a in schema.arguments[:1]
    ) and not schema.name.startswith("aten::_foreach")


def functions(
    torch: Any, schemas: dict[str, list[Any]], saved: dict[str, frozenset[str]]
) -> Iterator[tuple[str, dict[str, str]]]:
    """The entries of `torch`, of its namespaces, and of `torch.nn.functional`."""
    yield (
        "torch",
        {
            name: entry(torch, getattr(torch, name), name, found, saved, "input")
            for name, found in schemas.items()
            if not SKIPPED.match(name) and callable(getattr(torch, name, None))
        },
    )
    for prefix, module in NAMESPACES.items():
        public = import_module(module)
        yield (
            module,
            {
                name.removeprefix(prefix): entry(torch, function, name, found, saved, "input")
                for name, found in schemas.items()
                if name.startswith(prefix) and name[len(prefix)] != "_"
                if (function := getattr(public, name.removeprefix(prefix), None)) is not None
            },
        )
    functional = import_module("torch.nn.functional")
    yield (
        "torch.nn.functional",
        {
            name: functional_entry(torch, getattr(functional, name), name, schemas.get(name, []), saved)
            for name in sorted({*dir(functional)} & {*schemas, *python_functions(functional)})
            if not name.startswith("_") and callable(getattr(functional, name))
        },
    )


def methods(torch: Any, schemas: dict[str, list[Any]], saved: dict[str, frozenset[str]]) -> dict[str, str]:
    """The methods of a tensor that are operations."""
    return {
        name: entry(torch, getattr(torch.Tensor, name), name, own, saved, "self")
        for name, found in schemas.items()
        if (own := [s for s in found if s.arguments and s.arguments[0].name == "self"])
        and not SKIPPED.match(name)
        and callable(getattr(torch.Tensor, name, None))
    }


def entry(
    torch: Any, call: Callable[..., Any], name: str, schemas: list[Any], saved: dict[str, frozenset[str]], first: str
) -> str:
    """One entry: its overloads merged."""
    outs = {sum(a.is_out for a in s.arguments) for s in schemas} - {0}
    plain = without_out(schemas) or schemas
    calls = [overload(s) for s in plain]
    longest = max((c.parameters for c in calls), key=len)
    kept = kept_for_backward(torch, call, name, plain, saved)
    written = frozenset().union(*(c.writes for c in calls))
    of = {c.of for c in calls if c.of is not None}
    names = [first if n == "self" else n for n in longest[: max({*written, *of, *kept - {-1}}, default=-1) + 1]]
    clauses = [back(calls, names)]
    if written:
        clauses.append("writes " + " ".join(names[i] for i in sorted(written)))
    if outs:
        clauses.append("out" if outs == {1} else "writes out[]")
    if kept:
        clauses.append("saves " + " ".join(names[i] if i >= 0 else "result" for i in sorted(kept)))
    return signature(names if first == "input" else names[1:], bool(outs)) + ": " + ", ".join(clauses)


def signature(names: list[str], out: bool) -> str:
    listed = [*names, "*", "out"] if out else names
    return f" ({', '.join(listed)})" if listed else ""


def back(calls: list[Call], names: list[str]) -> str:
    """The clause that says what comes back."""
    kinds = {c.kind for c in calls}
    kind = kinds.pop() if len(kinds) == 1 else "unknown"
    results = {c.result for c in calls}
    of = next((c.of for c in calls if c.of is not None), None)
    if of is None or results == {"new"}:
        return "nothing" if kind == "nothing" else f"new {kind}" + (" of owned as tensor" if kind == "tuple" else "")
    relation = results.pop() if len(results) == 1 else "maybe-view"
    if kind == "tuple":
        return f"new tuple of {relation} {names[of]}"
    return f"{relation} {names[of]}" + ("" if kind == "tensor" else " as unknown")


def overload(schema: Any) -> Call:
    """What the alias annotations of one schema say."""
    arguments = [a for a in schema.arguments if not a.kwarg_only]
    holder = {
        alias: i for i, a in enumerate(arguments) if a.alias_info is not None for alias in a.alias_info.before_set
    }
    result, of = "new", None
    if arguments and arguments[0].alias_info is not None and arguments[0].alias_info.after_set == {"*"}:
        result, of = "view", 0
    for returned in schema.returns:
        if returned.alias_info is None:
            continue
        for alias in returned.alias_info.before_set & holder.keys():
            of = holder[alias]
            result = "alias" if arguments[of].alias_info.is_write else "view"
    writes = frozenset(i for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write)
    tensors = frozenset(i for i, a in enumerate(arguments) if "Tensor" in str(a.type))
    return Call(tuple(a.name for a in arguments), result, of, kind_of(schema.returns), writes, tensors)


def kind_of(returns: list[Any]) -> str:
    if not returns:
        return "nothing"
    types = [str(r.type) for r in returns]
    if len(types) > 1 or types[0] == "List[Tensor]":
        return "tuple"
    return "tensor" if types[0] == "Tensor" else "scalar"


def without_out(schemas: list[Any]) -> list[Any]:
    """The overloads that give new tensors."""
    return [s for s in schemas if not any(a.is_out for a in s.arguments)]


def kept_for_backward(
    torch: Any, call: Callable[..., Any], name: str, schemas: list[Any], saved: dict[str, frozenset[str]]
) -> frozenset[int]:
    """The positions that the backward pass reads, by the formula and by what calls are seen to save; -1: the result."""
    calls = [overload(s) for s in schemas]
    writes = any(c.writes for c in calls)
    seen = Seen()
    call_all(torch, call, schemas, lambda arguments: seen, writes=writes)
    names = saved.get(name) or saved.get(name.removesuffix("_"), frozenset())
    out = {i for c in calls for i in c.tensors if c.parameters[i] in names and i not in c.writes}
    observed = {i for i in seen.saved if i < 0 or any(i in c.tensors - c.writes for c in calls)}
    return frozenset(out | observed | ({-1} if "result" in names else set()))


def saved_by_backward(torch: Any) -> dict[str, frozenset[str]]:
    """What the derivative formulas read, by operation: names of arguments, and "result"."""
    path = Path(torch.__file__).parents[1] / "torchgen/packaged/autograd/derivatives.yaml"
    out: dict[str, frozenset[str]] = defaultdict(frozenset)
    for block in re.split(r"^- name: ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, rest = block.partition("\n")
        declared = re.match(r"(\w+)[.\w]*\((.*)\) ->", head)
        if declared is None:
            continue
        formulas = [f for _, f in re.findall(r"^  (\w[\w, ]*): (.*(?:\n    .*)*)", rest, re.M) if not forward(_)]
        read = frozenset(n for f in formulas for n in reads(f, re.findall(r"Tensor[\w?\[\]()!]* (\w+)", declared[2])))
        out[declared[1]] |= read
    return out


def forward(key: str) -> bool:
    """Whether a line of derivatives.yaml is no backward formula."""
    return key.startswith(("result", "output_differentiability", "dispatch", "non_differentiable"))


def reads(formula: str, arguments: Iterable[str]) -> Iterator[str]:
    """Which arguments a backward formula reads the numbers of, and whether the result."""
    if "not_implemented" in formula:
        return
    for name in arguments:
        plain = formula
        for pattern in SAVED_METADATA:
            plain = re.sub(pattern.replace("{}", name), "", plain)
        if re.search(rf"(?<![\w.]){name}\b", plain):
            yield name
    if re.search(r"\bresult\d*\b(?!\.(sym_size|scalar_type|dim|options))", formula):
        yield "result"


def python_functions(functional: Any) -> Iterator[str]:
    """What `torch.nn.functional` defines in Python."""
    for name, value in vars(functional).items():
        if callable(value) and not isinstance(value, type) and getattr(value, "__module__", "") == functional.__name__:
            yield name


def functional_entry(
    torch: Any, call: Callable[..., Any], name: str, schemas: list[Any], saved: dict[str, frozenset[str]]
) -> str:
    """An entry of `torch.nn.functional`: the operation of that name, `inplace=True` included."""
    try:
        parameters = list(inspect.signature(call).parameters)
    except ValueError:
        parameters = []
    if "inplace" not in parameters:
        return entry(torch, call, name, schemas, saved, "input") if schemas else ": new tensor"
    kept = kept_for_backward(torch, call, name, without_out(schemas), saved)
    saves = [parameters[i] if i >= 0 else "result" for i in sorted(kept)]
    clause = f", saves {' '.join(saves)}" if saves else ""
    first = parameters[0]
    changed = f"alias {first}, writes {first}" + (", saves result" if saves else "")
    names = ", ".join(parameters[: parameters.index("inplace") + 1])
    return f" ({names}): new tensor{clause} | inplace=True: {changed}"


def modules(torch: Any) -> dict[str, str]:
    """The classes of `torch.nn`: what making one gives."""
    out = {}
    for name, value in vars(torch.nn).items():
        if not (isinstance(value, type) and issubclass(value, torch.nn.Module)):
            continue
        parameters = list(inspect.signature(value).parameters)
        if "inplace" in parameters:
            names = ", ".join(parameters[: parameters.index("inplace") + 1])
            out[name] = f" ({names}): new module | inplace=True: new module, role in-place-module"
        else:
            out[name] = ": new module"
    return out


def optimizers(torch: Any) -> dict[str, str]:
    """The classes of `torch.optim` that hold parameters."""
    return {
        name: " (params): new optimizer, captures params[]"
        for name, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
    }


if __name__ == "__main__":
    main()
