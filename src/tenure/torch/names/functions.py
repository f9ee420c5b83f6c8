"""The functions of the table: one is made of its rows when it is first asked for.

What a row becomes is a Python function with PyTorch's signature, so Python itself sorts arguments and defaults, and a
call without keywords pays nothing for those with them. Around the row's value stand the same few lines for all:
tensors become their present values, and what comes back a tensor (or is written, for ``out=`` and in place).
Rows that share a name are chosen by the types of the arguments, which are looked up in a dict.
"""

from __future__ import annotations

import builtins
import dis
import types
from collections.abc import Callable
from importlib import import_module
from typing import Any

import tenure
from tenure.errors import TenureError
from tenure.torch.cautions import caution, caution_lines, unfree
from tenure.torch.cells import Tensor, orders, unwrap, wrap
from tenure.torch.cells.formats import SUGGESTS, following, formatted, made_in, shared
from tenure.torch.cells.layout import laid, stored
from tenure.torch.cells.overlap import refuse_itself
from tenure.torch.devices import check_device, check_layout
from tenure.torch.dtypes import Defaults, home_dtype
from tenure.torch.names import forms, turning
from tenure.torch.names.arguments import (
    as_tensor,
    as_tensors,
    as_whole,
    choice,
    dtype_of,
    factors,
    failed,
    leaf_if,
    listed,
    older_form,
    reduction_of,
    sizes,
    weighed,
    written_to,
)
from tenure.torch.names.mixing import NORMS, check_classes, check_lines, mixed, of_input
from tenure.torch.names.nodes import each, node, noted
from tenure.torch.names.ordering import columns_of, is_linalg, order_of
from tenure.torch.names.overriding import dispatched, known, overriding, rescued, watch
from tenure.torch.names.precision import AUTOCAST, FULL, LOWER, lowered, raised, widest
from tenure.torch.names.rows import ROWS, Row
from tenure.torch.names.structures import structure
from tenure.torch.names.trying import WAITED, settled
from tenure.values.tensor.tensor import Tensor as Value

NAMESPACES = {
    "F": "tenure.nn.functional", "linalg": "tenure.linalg", "fft": "tenure.fft", "special": "tenure.special",
}  # fmt: skip
"""Home namespaces of the rows of a place."""
TOOLS: dict[str, Any] = {
    "_T": Tensor, "_V": Value, "_E": (TenureError, ValueError), "_of": Tensor._of, "_unwrap": unwrap, "_wrap": wrap,
    "_dtype": home_dtype, "_device": check_device, "_layout": check_layout, "_tensor": as_tensor,
    "_tensors": as_tensors, "_failed": failed, "_sizes": sizes, "_weighed": weighed, "_written": written_to,
    "_laid": laid, "_stored": stored, "_refuse_itself": refuse_itself, "_leaf": leaf_if, "_reduction": reduction_of,
    "_whole": as_whole, "_AC": AUTOCAST, "_lower": lowered, "_raise": raised, "_widest": widest, "_mixed": mixed,
    **orders.TOOLS,
    "_formatted": formatted, "_made_in": made_in,
    "_following": following, "_shared": shared, "_noted": noted, "_each": each, "_flat": forms.flat,
    "_factors": factors, "_D": Defaults,
    "_F32": Defaults.float, "_rescued": rescued, "_classes": check_classes, "_older_form": older_form,
    "_is_narrow": forms.is_narrow, "_in_default": forms.in_default, "_settled": settled,
    "_caution": caution, "_unfree": unfree, "_of_input": of_input,
    "_listed": listed, "_dtype_of": dtype_of,
    **turning.TOOLS,
}  # fmt: skip
NEVER = """
obj dim dims dim0 dim1 dim2 axis0 axis1 keepdim offset diagonal k descending stable correction unbiased reduction
training inplace ceil_mode count_include_pad stride padding dilation groups kernel_size output_size p eps alpha beta
value_ align_corners mode equation size memory_format pin_memory requires_grad size_average reduce full log_input
log_target return_indices upper left generator norm n s rounding_mode out_int32 right side largest running_mean
running_var sorted n_fft hop_length win_length center onesided normalized return_complex decimals as_tuple
"""
PLAIN = frozenset(NEVER.split())
"""Parameters that are never tensors, or that home functions take as they come."""
ALWAYS = """
input mat1 mat2 mat vec vec2 tensor1 tensor2 batch1 batch2 index mask source src weight_ condition A B LU pivots tau
LU_data LU_pivots input2 input3 boundaries x1 x2 input1 anchor positive negative grid theta end_
"""
TENSORS = frozenset(ALWAYS.split())
"""Parameters that have to be tensors."""


def function(place: str, name: str) -> Any:
    """The function of a name in a place, of all its rows; KeyError without one."""
    if place == "Tensor_":
        kinds = [made(row, "write") for row in ROWS[place][name]]
        name = f"{name}_"
    else:
        kinds = [made(row, "out" if "out" in row.places else "") for row in ROWS[place][name]]
    rows = ROWS["Tensor_" if place == "Tensor_" else place][name[:-1] if place == "Tensor_" else name]
    if len(rows) == 1 and not set(rows[0].annotations().values()) - {"any"}:
        return known(kinds[0])
    return overloaded(name, rows, kinds)


def made(row: Row, way: str) -> Callable[..., Any]:
    """Function of a row: ``way`` is "write" for one that writes its first argument, "out" for one with ``out=``."""
    source = text(row, way)
    code = compile(source, f"{__file__}:{row.name}", "exec")
    scope: dict[str, Any] = dict(TOOLS)
    space = next((import_module(NAMESPACES[p]) for p in row.places if p in NAMESPACES), None)
    for name in globals_of(code):
        if name not in scope:
            scope[name] = named(name, space)
    scope["_home"] = named(row.name, space)
    if row.fields:
        kind = f"linalg_{row.name}" if is_linalg(row) else row.name
        scope["_structure"], scope["_outs"] = structure(kind, row.fields), structure(f"{kind}_out", row.fields)
    exec(code, scope)
    found_function: Callable[..., Any] = scope["_row"]
    found_function.__name__ = found_function.__qualname__ = f"{row.name}_" if way == "write" else row.name
    found_function.__module__ = "torch"
    return found_function


def globals_of(code: types.CodeType) -> set[str]:
    """Names that a function, and functions within it, load from outside."""
    out: set[str] = set()
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            loads = dis.get_instructions(constant)
            out |= {str(i.argval) for i in loads if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")} | globals_of(constant)
    return out


def named(name: str, space: Any) -> Any:
    """Object of a name in an expression: a form, a function of the row's namespace or of ``tenure``."""
    for where in (forms, space, tenure):
        if where is not None and hasattr(where, name):
            return getattr(where, name)
    return import_module(NAMESPACES[name]) if name in NAMESPACES else getattr(builtins, name, None)


def text(row: Row, way: str) -> str:
    """Source of the function of a row."""
    parameters, lines, names = [], [], [name for name, _ in row.plain()]
    first = names[0] if names else ""
    for k, (name, default) in enumerate(row.plain()):
        rest = row.plain()[k + 1 :]
        if name == "dim" and not default and all(later or n[0] == "*" for n, later in rest):  # axis= may say it
            default = "=None"
        if name.startswith("*") and len(name) > 1 and name not in ("*tensors", "*args", "*operands"):
            parameters.extend([f"*_{name[1:]}", f"{name[1:]}=None"])
            lines.append(f"{name[1:]} = _sizes(_{name[1:]}, {name[1:]})")
        else:
            parameters.append("*_older" if name == "*" and row.name in OLDER else name + default)
        lines.extend([] if "face" in row.places else prepared(name, row))
    lines[:0] = opened(row, way, names)
    if row.name in OLDER:
        moved = [n for n in names[1:] if n.isidentifier()]
        new = ", ".join([moved[-1], *moved[:-1]])
        lines.insert(0, f"if _older: {new} = _older_form({row.name!r}, ({', '.join(moved[:-1])}, *_older))")
    starred = any(p.startswith("*") for p in parameters)
    more = [f"{new}=None" for old, new in (("dim", "axis"), ("keepdim", "keepdims")) if old in names]
    lines.extend(f"if {new} is not None: {old} = {new}" for old, new in (("dim", "axis"), ("keepdim", "keepdims"))
                 if old in names)
    if "dim=None" in parameters and ("dim", "") in row.plain():
        said = f"{row.name}() missing 1 required positional arguments: 'dim'"
        lines.append(f"if dim is None: raise TypeError({said!r})")
    more += ["out=None"] if way == "out" else []
    if more:
        parameters.extend(more if starred else ["*", *more])
    lines.extend(adapted(row, names))
    lines.extend([*computed(row, names), *finished(row, way, names)])
    lines = turning.turned(lines, parameters, way, names)
    body = "\n        ".join(lines)
    about = f", {first}" if first.isidentifier() else ""
    head = f"def _row({', '.join(parameters)}):\n    try:\n        {body}\n"
    return head + HANDLED.format(f"{row.name!r}, _error{about}")


def opened(row: Row, way: str, names: list[str]) -> list[str]:
    """First lines: operands as they were given, and what ``out=`` and writes ask of them."""
    lines = []
    if way in ("write", "out") or row.is_elementwise or row.name in SUGGESTS or order_of(row):
        listed = row.name in SUGGESTS and "tensors" in names
        lines.append(f"_given = {'_listed(tensors)' if listed else given(names)}")
        if is_alone(row, names):
            lines.append("_bare = False")
    if way == "out" and row.name in READERS:
        lines.append("if out is not None: _refuse_itself(out, _given)")
    if way == "out" and row.follows_out:
        lines.append("if out is not None and dtype is None: dtype = _dtype_of(out)")
    if way == "write" or "inplace" in names:
        lines.append(f"_place = {names[0] if names else ''}")
    return lines


def is_alone(row: Row, names: list[str]) -> bool:
    """Whether the strides of a row's result are those of one operand."""
    return (row.is_elementwise or row.name in SUGGESTS) and tensors_of(row, names) == names[:1] != ["tensors"]


HANDLED = """
    except _E as _error:
        _found = _rescued(_row, locals())
        if _found is None: raise _failed({}) from None
        return _found[0]
    except (TypeError, AttributeError):
        _found = _rescued(_row, locals())
        if _found is None: raise
        return _found[0]
"""
"""Handlers of a row's function: of an error, an object that is no tensor may have an answer."""
OLDER = ("add", "sub", "subtract", "addcmul", "addcdiv")
"""Functions whose factor, a keyword, may also stand in front of what it multiplies."""


def computed(row: Row, names: list[str]) -> list[str]:
    """Lines that compute the row's value."""
    value = row.value
    if row.name in names and value.startswith(f"{row.name}("):
        value = f"_home{value[len(row.name) :]}"
    lines = [f"_result = {value}"]
    operands = ", ".join(tensors_of(row, names))
    if operands:
        cast = ", ".join([n for n in tensors_of(row, names) if n != "condition"])
        again = f"{cast}, = _in_default({cast}); _result = {value}" if cast else "pass"
        lines.append(f"if _D.float is not _F32 and _is_narrow(_result, ({operands},)): {again}")
    if row.name in NORMS:
        lines.append("_result = _of_input(_result, input)")
    if "flat" in row.places:
        lines.append("if input._kind.tracked: _result = _flat(_result, input)")
    if "bools" in row.places:
        lines.append("if _bools: _result = _result != 0")
    if row.name in WAITED:
        lines.append("_settled(_result)")
    return lines


def tensors_of(row: Row, names: list[str]) -> list[str]:
    """Parameters that may be a tensor."""
    return [n for n in names if n.isidentifier() and (n not in PLAIN or n in row.annotations())]


def given(names: list[str]) -> str:
    """Tuple of the operands as they were given."""
    known = [n for n in names if n not in PLAIN and (n.isidentifier() or n in SEVERAL)]
    found = [n if n.isidentifier() else f"*{n[1:]}" for n in known]
    found = ["*_listed(tensors)" if n == "tensors" else n for n in found]
    return f"({''.join([f'{n}, ' for n in found])})"


SEVERAL = ("*tensors", "*args", "*operands")
APART = {"index_add", "index_copy", "scatter", "scatter_add", "scatter_reduce", "index_put", "masked_scatter"}
"""Functions whose in-place form refuses an operand that shares elements with the tensor."""
READERS = {"gather", "index_select", "take", "take_along_dim", "masked_select", "cross", "outer", "ger", "kron"} | {
    "cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "column_stack", "row_stack"
}
"""Functions that refuse an ``out=`` that shares elements with an operand."""


def adapted(row: Row, names: list[str]) -> list[str]:
    """Lines that make operands of one kind: by their weight, as whole numbers for bools, factors of whole numbers."""
    together = ", ".join(tensors_of(row, names))
    lines = [*caution_lines(row.name, row.places, names), *check_lines(row.name, names)]
    lines.extend([f"{together}, = _weighed({together})"] if "weigh" in row.places else [])
    if row.name in LOWER | FULL:
        way = "_lower" if row.name in LOWER else "_raise"
        listed = next((n for n in ("*operands", "*tensors", "tensors") if n in names), None)
        each = listed and listed.strip("*")
        cast = f"{together}, = {way}({together})" if listed is None else f"{each} = {way}(*{each})"
        lines.insert(0, f"if _AC.dtype is not None: {cast}")
    if row.name == "index_copy":
        lines.insert(0, "if _AC.dtype is not None: input, source = _widest(input, source)")
    if "bools" in row.places:
        compared = ", ".join([n for n in tensors_of(row, names) if n != "index"])
        lines.append(f"_bools, {compared}, = _whole({compared})")
    if {"input", "alpha", "beta"} <= set(names):
        lines.append("alpha, beta = _factors(input, alpha, beta)")
    return lines


def prepared(name: str, row: Row) -> list[str]:
    """Lines that make a home argument of a parameter."""
    if name in ("*tensors", "*operands", "*args"):
        return [f"{name[1:]} = [_unwrap(_x) for _x in {name[1:]}]"]
    if name == "tensors":
        return ["tensors = _tensors(tensors)"]
    if name == "dtype":
        return ["if dtype is not None: dtype = _dtype(dtype)"]
    if name in ("device", "layout"):
        return [f"_{name}({name})"]
    if name == "size_average":
        return ["reduction = _reduction(size_average, reduce, reduction)"]
    if not name.isidentifier() or (name in PLAIN and name not in row.annotations()):
        return []
    lenient = "numbers" in row.places or name in row.annotations()
    strict = "strict" in row.places or (name in TENSORS and not lenient)
    if "F" in row.places and row.name in ("softmax", "log_softmax"):  # in PyTorch these ask for the method
        return [f"input = _tensor(input if hasattr(input, '_read') else input.{row.name}, 'input')"]
    other = f"_tensor({name}, {name!r})" if strict else f"_unwrap({name})"
    if is_alone(row, [n for n, _ in row.plain()]):
        bare = f"_bare = {name}._window is None and {name}._layout is None"
        return [f"if isinstance({name}, _T): {bare}; {name} = {name}._read()", f"else: {name} = {other}"]
    return [f"{name} = {name}._read() if isinstance({name}, _T) else {other}"]


def finished(row: Row, way: str, names: list[str]) -> list[str]:
    """Lines that give the result back."""
    lines: list[str] = []
    if "face" in row.places:
        return ["return _result"]
    if way == "write":
        more = ", True" if row.name == "masked_scatter" else ""
        apart = [f"_refuse_itself(_place, _given[1:]{more})"] if row.name in APART else []
        return [*apart, "return _place._assign(_result, *_given[1:])"]
    if way == "out":
        exact = ", True" * row.keeps_dtype
        written = f"_written(out, _result, _given{exact})"
        lines.append(f"if out is not None: return {f'_outs({written})' if row.fields else written}")
    if "inplace" in names:
        lines.append(f"if _result is {names[0]} and _place is not _result: return _place")
        lines.append("if inplace: return _place._assign(_result)")
    suggested = "laid" if row.is_elementwise else SUGGESTS.get(row.name, "")
    laid = f"_{suggested}({{0}}, _given)" if suggested else "{0}"
    if "memory_format" in names:
        laid = "_formatted({0}, memory_format, _given)" if row.is_elementwise else "_made_in({0}, memory_format)"
    elif (order := order_of(row)) is not None:
        laid = order
    elif is_alone(row, names):
        laid = f"({{0}} if _bare else {laid})"
    if "requires_grad" in names:
        new, given = laid.format("_of(_result)"), [f"{STORED[n]}={n}" for n in names if n in STORED]
        return [*lines, f"return _leaf({f'_stored({new}, {given[0]})' if given else new}, requires_grad)"]
    said = row.node or repr(node(row.name, row.places))
    if row.fields:
        parts = f"_structure([_each(_x, {said}) for _x in _result])"
        if suggested:
            lines.extend([f"_found = {parts}", f"for _x in _found: {laid.format('_x')}"])
            return [*lines, "return _found"]
        numbers = columns_of(row)
        return [*lines, f"return _of_columns({parts}, {numbers})" if numbers else f"return {parts}"]
    made_of = "_of(_result)"
    is_several = suggested and "return_indices" in names
    several = f"tuple([{laid.format('_x')} for _x in _wrap(_result)])" if is_several else "_wrap(_result)"
    if said != "None":
        made_of += f" if not _result._kind.tracked else _noted(_result, {said})"
    return [*lines, f"return {laid.format(f'({made_of})')} if type(_result) is _V else {several}"]


STORED = {"stride": "strides", "physical_layout": "order"}
"""Parameters of factories that say where elements lie in memory."""


def overloaded(name: str, rows: list[Row], kinds: list[Callable[..., Any]]) -> Callable[..., Any]:
    """Function that calls the first of several that takes the arguments."""
    seen: dict[Any, Callable[..., Any]] = {}

    def chosen(*args: Any, **kwargs: Any) -> Any:
        return kinds[choice(name, rows, args, kwargs)](*args, **kwargs)

    def call(*args: Any, **kwargs: Any) -> Any:
        key: tuple[Any, ...] = tuple([type(x) for x in args])
        if kwargs:
            key = (*key, *kwargs)
        found = seen.get(key)
        if found is None and overriding((*args, *kwargs.values())):
            watch()
            return dispatched(call, chosen, args, kwargs)
        if found is None:
            found = kinds[choice(name, rows, args, kwargs)]
            if not any(isinstance(x, tuple | list) for x in (*args, *kwargs.values())):
                seen[key] = found
        return found(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__module__ = "torch"
    return call
