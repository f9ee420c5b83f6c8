"""Fast path: recording of an operation whose step is already in the trie, in generated code; the rest is left to
``record``."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tenure.compile.late import late
from tenure.compile.tiers import Tiered
from tenure.dtypes import DType, bfloat16
from tenure.ir import likes
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.kin import Line
from tenure.ir.likes import CALLS, Kin, Made
from tenure.ir.program import Builder
from tenure.ir.sums import Plain
from tenure.ir.templates import Filled, Template
from tenure.runtime import buffers
from tenure.runtime.extension import AVAILABLE, Extension, offset
from tenure.runtime.launch import POOLED, RUN, Call
from tenure.transform import vjp
from tenure.transform.rules import ASKING, filled_in, zeros_in
from tenure.values.native import hits_module
from tenure.values.native.hits_code import SLICE
from tenure.values.native.hits_layout import as_laid_out
from tenure.values.native.hits_objects import CELL, HANDLE, LATE, MOST_PLACES, ROWS, VIEW
from tenure.values.native.hits_planning import PLANNER
from tenure.values.rules import alike, forms, graph, paths, rows, sites, spending
from tenure.values.rules.expand import (
    Expansion,
    expand_call,
    expand_close,
    expand_gradient,
    expand_input,
    expand_mark,
    expand_operation,
    expand_return,
    expand_widen,
)
from tenure.values.rules.modes import MODE, Mode
from tenure.values.rules.rows import COUNTS, ROOT, History, Path
from tenure.values.rules.rules import DIVIDES, GENERAL, INT64, KINDS, SAME, WEAK, Kind, Rule, kind_of
from tenure.values.rules.sites import PACKAGE, site_of, user_frame
from tenure.values.rules.unfinished import MOVED, Unfinished, refuse_moved
from tenure.values.run import first, force, handing, plan, sized, young
from tenure.values.run.handing import keep_residuals, start
from tenure.values.run.lost import break_off
from tenure.values.trace import record
from tenure.values.trace.operators import STEPS
from tenure.values.trace.trace import Trace

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
TRACE = tuple([name for name in Trace.__slots__ if name != "__weakref__"])
SLOTS: dict[type, tuple[str, ...]] = {
    Mode: ("eager", "grad", "known"),
    Trace: TRACE,
    Unfinished: ("running", "sealed", "spare", "trace"),
    Kind: ("aval", "extents", "input", "leaf", "level", "like", "tracked"),
    Rule: (
        "arity", "bounds", "expand", "form", "grad", "inputs", "key", "kind", "kinds", "leaves", "level",
        "made_of", "name", "numbers", "open", "params", "size", "spends", "template", "tracked", "turned",
    ),
    Path: Path.__slots__,
    History: ("reach",),
    graph.Leaf: ("grad", "hooks"),
    graph.RowLeaf: ("of",),
    graph.Out: ("name", "segment", "slot", "where"),
    plan.Plan: ("consumed", "executable", "graph", "leaves", "moved", "numbers", "open", "saved", "sites", "slots"),
    Tiered: ("call", "lent", "turns"),
    Call: ("spec",),
    Application: (
        "alias", "aval", "calls", "flows", "hash", "kin", "operands", "params", "primitive", "reads", "rules", "size",
    ),
    Builder: (
        "applications", "avals", "block", "blocks", "consts", "depths", "operands", "origin", "origins", "tracked",
        "tracking", "zeros",
    ),
    Template: ("applications", "avals", "cases", "constants", "facts", "start", "tracked", "zeros"),
    vjp.Walk: ("b", "blanks", "held", "order", "reached", "relevant", "sources", "sums"),
    Expansion: ("builder", "inputs", "scalars", "slots"),
    Filled: ("matches", "plain", "template", "weak"),
    Kin: ("lines", "made"),
    Line: ("general",),
    alike.Class: ("line",),
    Plain: ("applications", "avals", "constants", "start"),
    DType: ("numpy",),
}
NAMES = {
    "cell_name": "unfinished",
    "own": "__dict__",
    "filename": "co_filename",
    "name_context": "_context",
    "unlocking": "release",
    "item_name": "item",
    "acquire": "acquire",
    **{f"name_{name}": name for name in ("backward", "open", "plan", "rows", "runs")},
    **{f"name_{name}": name for name in ("accumulate", "add", "blocks", "sum", "vjp")},
    **{f"name_{name}": name for name in ("sealed", "site", "trace", "home")},
    **{f"name_{name}": f"_{name}" for name in ("parameters", "modules", "buffers")},
}
"""Strings by which the code looks up attributes and methods."""


FILLING = {
    "fill_rule": alike.filled_in, "fill_template": filled_in, "find_spent": spending.spent_by, "find_zeros": zeros_in,
    "form_of": forms.form_of, "product": prod, "slow_line_at": Line.at, "aval_type": Aval, "filled_type": Filled,
    "asking": ASKING, "name_calls": CALLS, "name_keep": "keep",
    "name_copy": "__copy__", "classes": alike.CLASSES, "known_params": alike.PARAMS, "known_kinds": KINDS,
    "kind_of": kind_of, "kind_type": Kind, "liken": alike.liken, "without_extents": alike.without,
    "input_rule": alike.input_rule, "reached": paths.reached,
    "path": Path, "look_after": rows.look_after, "general": GENERAL,
}  # fmt: skip
"""Functions that find what the code lacks."""


def _known() -> dict[str, Any]:
    """Objects that the code refers to from the beginning."""
    return {
        "recorder": record.RECORDER,
        "mode": MODE,
        "true": True,
        "false": False,
        "none": None,
        "wide": INT64,
        "divides": DIVIDES,
        "bfloat16": bfloat16,
        "empty": (),
        "zero": 0,
        "one": 1,
        "minus_one": -1,
        "index_error": IndexError,
        "weak": WEAK, "same": SAME,
        "template": Template,
        "slow_body": Builder.body,
        "getframe": sys._getframe,
        "package": PACKAGE,
        **{of.__name__: of for of in (bool, dict, float, int, list, slice, tuple)},
        "resume": record.RECORDER.resume,
        "slow_bind": Trace.bind, "slow_point": Trace.point, "refuse_moved": refuse_moved,
        "mark_step": expand_mark,
        "close_step": expand_close, "return_step": expand_return, "widen_step": expand_widen,
        "gradient_step": expand_gradient, "call_step": expand_call,
        "operation_step": expand_operation, "input_step": expand_input,
        "root": ROOT,
        "mode_type": Mode,
        "ndarray": np.ndarray, "np_empty": np.empty, "np_bytes": np.dtype("uint8"), "name_nbytes": "nbytes",
        "ellipsis": ...,
        **{of.__name__.lower(): of for of in (graph.Leaf, graph.RowLeaf, graph.Out, Tiered, Call)},
        "before_run": force.BEFORE_RUN, "moved": MOVED, "expected": graph.EXPECTED, "counts": COUNTS,
        "runs": force.LAST, "no_residuals": [], "budget": force.ROW_BUDGET, "buffers": vars(buffers),
        "run_slowly": young.run, "collect_young": young.collect, "plan_for": force.plan_for,
        "prune": force.forget_paths, "start": start, "keep_residuals": keep_residuals,
        "account": force.account, "break_off": break_off, "slow_release": force._release, "slow_site_of": site_of,
        **NAMES, **FILLING,
    }


def _load() -> Extension:
    offsets = {f"{of.__name__.lower()}.{name}": offset(of, name) for of, names in SLOTS.items() for name in names}
    like = Trace()
    blank = {name: getattr(like, name) for name in TRACE}
    made = hits_module.remembered(offsets, blank)
    code = Extension(made.source, made.api, made.variables, made.functions)
    objects = {**_known(), "trace": Trace, "new_lock": type(like.lock)}
    objects |= {f"blank_{name}": v for name, v in blank.items() if f"o_blank_{name}" in made.variables}
    for name, to in objects.items():
        if f"o_{name}" in code:
            code.point(f"o_{name}", to)
    code.number("run", RUN)
    code.number("left", Made.left.buffer_info()[0])
    return code


def _as_known() -> bool:
    """Whether CPython lays out slices as the generated code expects."""
    parts = [object() for _ in SLICE]
    whole = slice(*parts)
    return all(
        ctypes.c_void_p.from_address(id(whole) + at).value == id(part)
        for at, part in zip(SLICE, parts, strict=True)
    )


CODE = _load() if AVAILABLE and RUN and _as_known() and as_laid_out() else None
"""Loaded code of the fast path; None where there are no builtins: ``record`` then does it all."""


def know(name: str, to: Any) -> None:
    """Set the code's reference to an object of this name, if it has one."""
    if CODE is not None and f"o_{name}" in CODE:
        CODE.point(f"o_{name}", to)


def coded(function: F) -> F:
    """Builtin of this name, with the function as its slow path; the function itself where there is no builtin."""
    if CODE is None:
        return function
    name = function.__name__
    know(f"slow_{name}", function)
    return CODE.function(name, function)  # type: ignore[no-any-return]


@coded
def lay(t: Trace, rule: Rule, args: Sequence[int], scalars: tuple[Any, ...]) -> tuple[Any, ...]:
    """Handles of a step in a held trace, named by the user's line."""
    if scalars:
        rule.check(scalars)
    out = t.append(rule, args, scalars, user_frame())
    return (out,) if rule.kind is not None else out


@coded
def repeated(t: Trace, rules: list[Rule]) -> None:
    """Append handles for the results of rows that are taken over by a held trace, named by the user's line."""
    frame = user_frame()
    for rule in rules:
        for kind in rule.kinds:
            t.handle(rule, kind, frame)


apply: Callable[..., Tensor] = coded(record.apply)
"""``record.apply`` on the fast path. An operation with several results returns a tuple, which unpacks as a tensor
does."""
apply_one: Callable[..., Tensor] = coded(record.apply_one)
likes.untracked, vjp.between = coded(likes.untracked), coded(vjp.between)
rows.counted = coded(rows.counted)
for _name in ("reached_rows", "spread", "tracked", "walked"):
    setattr(paths, _name, coded(getattr(paths, _name)))
forms.form_numbers, sites.columns = coded(forms.form_numbers), coded(sites.columns)
spending.spending, spending.note_spent = coded(spending.spending), coded(spending.note_spent)
force.alive, force.hand_over = coded(force.alive), coded(force.hand_over)
first.first_run, handing.mark_consumed = coded(first.first_run), coded(handing.mark_consumed)


@cache
def prepare() -> None:
    """Tell the native code what it needs of the compiler, before its first use."""
    if CODE is None:
        return
    words = {**late("first").words(), "pooled": POOLED, "bytes": sized.SMALL, "work": first.MOST_BYTES}
    for k, name in enumerate(PLANNER):
        CODE.number("planner", words[name], k)
    know("fill_record", late("first").filled_record)
    know("record_type", late("first").Record)
    for name in ("matches", "plain"):
        CODE.number(f"at_record_{name}", offset(late("first").Record, name))
    for name in ("record", "start"):
        CODE.number(f"at_calls_{name}", offset(late("first").Rule, name))


first.prepare = prepare
if CODE is not None:
    for _of, _name, _code in (
        *[(of, "twin", "twin") for of in (Application, Rule, Template)],
        (Application, "alike", "application_alike"),
        (Template, "like", "template_like"),
        (Rule, "alike", "rule_alike"),
        (Line, "at", "line_at"),
        (Trace, "bind", "bind_method"),
        (Trace, "point", "point_method"),
        (Expansion, "copied", "copied"),
        (Builder, "body", "body"),
        (vjp.Walk, "passed", "passed"),
    ):
        setattr(_of, _name, CODE.method(_code, getattr(_of, _name), _of))


def add_place(of: type) -> None:
    """Register a class of places, whose present value is ``_val``."""
    record.PLACES.add(of)
    if CODE is not None:
        k = len(record.PLACES) - 1
        if k >= MOST_PLACES:
            raise RuntimeError(f"there are more than {MOST_PLACES} classes of places")
        CODE.number("places", offset(of, "_val"), 2 * k + 1)
        CODE.point("places", of, 2 * k)


def add_cell(of: type, **classes: type) -> None:
    """Make a class of places that of cells, which ``cell`` makes of values; ``classes`` are those of ``VIEW``."""
    if CODE is None:
        return
    for name in CELL:
        CODE.number(f"at_cell_{name}", offset(of, f"_{name}"))
    for kind, names in VIEW.items():
        for name in names:
            CODE.number(f"at_{kind}_{name}", offset(classes[kind], name))
    know("cell_type", of)
    know("window", classes["window"])


def add_rows_place(place: type, value: type) -> None:
    """Register the class of the places of sparse gradients, and that of their values."""
    if CODE is None:
        return
    for name in ROWS:
        CODE.number(f"at_rows_{name}", offset(place, f"_{name}"))
    know("rows_place", place)
    know("sparse_rows", value)


def install(tensor: type, classes: tuple[type, ...], late: Mapping[str, Any], of: Mapping[str, type]) -> None:
    """Give the operators and methods of the ``classes``, bases of ``tensor``, their fast path. ``late`` are objects
    that the code refers to from now on, ``of`` the classes of ``LATE``."""
    if CODE is None:
        return
    for name in HANDLE:
        CODE.number(f"at_{name}", offset(tensor, f"_{name}"))
    for kind, names in LATE.items():
        for name in names:
            CODE.number(f"at_{kind}_{name}", offset(of[kind], f"_{name}"))
    for name, to in {**late, **of, "tensor": tensor}.items():
        know(name, to)
    entries: dict[Any, int] = {}
    for base in classes:
        for name, function in list(vars(base).items()):
            found = STEPS.get(function) if callable(function) else None
            if found is None:
                continue
            fn, kind, reflected = found
            k = entries.setdefault(function, len(entries))
            CODE.point("entries", fn, 3 * k)
            CODE.point("entries", function, 3 * k + 1)
            CODE.number("entries", int(reflected), 3 * k + 2)
            setattr(base, name, CODE.method(f"{kind}_{k}", function, tensor, keywords=True))


def change(of: type, steps: Mapping[str, Any]) -> None:
    """Give in-place methods of a class, by the step of two operands that they take, their fast path."""
    if CODE is None:
        return
    for k, (name, step) in enumerate(steps.items()):
        fn, _, reflected = STEPS[step]
        function = vars(of)[name]
        CODE.point("changes", fn, 3 * k)
        CODE.point("changes", function, 3 * k + 1)
        CODE.number("changes", int(reflected), 3 * k + 2)
        setattr(of, name, CODE.method(f"change_{k}", function, of, keywords=True))


def methods(of: type, *names: str, keywords: bool = False, **others: str) -> None:
    """Give methods of a class their fast path, by their names; ``others`` map them to names of the code."""
    if CODE is None:
        return
    for name, code in {**dict(zip(names, names, strict=True)), **others}.items():
        function = vars(of)[name]
        know(f"slow_{code}", function)
        setattr(of, name, CODE.method(code, function, of, keywords=keywords))


def attribute(of: type, name: str, code: str) -> None:
    """Give an attribute of a class its fast path."""
    if CODE is None:
        return
    like: Any = vars(of)[name]
    know(f"slow_get_{code}", like.fget)
    know(f"slow_set_{code}", like.fset)
    know(f"delete_{code}", like.__delete__)
    setattr(of, name, CODE.attribute(f"get_{code}", f"set_{code}", like, of))


methods(record.Recorder, "enter_site", "seal")
