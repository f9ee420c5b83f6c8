"""Roles of library calls: meanings that an `Effect` cannot state, and what is saved for the backward pass."""

import ast

from tenure.check import ops
from tenure.check.analysis.arguments import pick
from tenure.check.analysis.borrows import EXCLUSIVE, SHARED, may_borrow
from tenure.check.analysis.conflicts import give_up, paired, read, write_to, wrote
from tenure.check.analysis.gradients import backward, saved_in_place, zero_grad
from tenure.check.analysis.graphs import differentiable, joined, kept_for_backward, recorded, tensors_of
from tenure.check.analysis.iteration import consume_register, rewound
from tenure.check.analysis.libraries import outer_values
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.transfers import transferred
from tenure.check.analysis.views import lend, reachable, shared_data
from tenure.check.cells import STORAGE
from tenure.check.effects.effect import Effect
from tenure.check.values import Obj, Ref, Value

__all__ = ["after", "before"]

_CONSUMING = frozenset(
    ("list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "max", "min", "any", "all", "Counter", "deque",
     "clip_grad_norm_", "clip_grad_value_", "clip_grad_norm", "clip_grads_with_norm_", "get_total_norm")
)
"""Functions that go through an iterator to its end."""

_LOOKING = frozenset(("sum", "max", "min", "any", "all", "sorted"))
"""Functions that look into the items of a container."""

_TAKING = frozenset(("extend", "update", "extendleft", "union", "difference", "intersection"))
"""Methods that do so with their argument."""

_GRADLESS = frozenset(("detach", "numpy", "data", "item", "tolist"))

_PARTNERS = frozenset(
    ("__mul__", "__rmul__", "mul", "multiply", "__matmul__", "__rmatmul__", "matmul", "mm", "bmm", "mv", "dot", "outer")
)
"""Products: an operand is kept for the gradient of the other one."""


_COMBINING = frozenset(
    ("__iadd__", "__isub__", "__imul__", "__itruediv__", "add_", "sub_", "mul_", "div_", "copy_", "lerp_", "addcmul_",
     "addcdiv_", "addmm_", "baddbmm_")
)  # fmt: skip
"""Operations in place whose operands all have gradients: no index among them."""


def after(m: Machine, effect: Effect, bound: dict[str, int], result: Value, op: ops.Op, name: str) -> Value:
    if effect.role == "no-grad" and not _switches_on(m, bound):
        return (Ref(m.fresh("no-grad", "scalar", text="no-grad")),)
    _leaf(m, result, bound, effect)
    if effect.result != "alias" or effect.saves or name in _COMBINING:
        _record(m, effect, bound, result, name)
    if effect.role == "zero-grad":
        zero_grad(m, m.get(bound.get("0")))
    return roles(m, effect, bound, result, op, name)


def roles(m: Machine, effect: Effect, bound: dict[str, int], result: Value, op: ops.Op, name: str) -> Value:
    role = effect.role
    if role in ("async", "lazy"):
        _computed_later(m, bound, result, role)
    elif role == "await":
        for ref in m.get(bound.get("0")):
            m.state.cells.remove((ref.obj, "·later"))
    elif role == "walk":
        for ref in result:
            ref.obj.field = role
    elif role == "recompute":
        return _recomputed(m, bound, result, op)
    elif role == "jit" and isinstance(op, ops.Call):
        return _compiled(m, op, result)
    consumed = bound.get("1" if m.is_method else "0")
    # `d[k].extend(it)` may find no key, and a handler takes the items.
    may_fail = m.is_method and isinstance(getattr(getattr(op.node, "func", None), "value", None), ast.Subscript)
    if consumed is not None and not may_fail and name in (_TAKING if m.is_method else _CONSUMING):
        consume_register(m, consumed)
        if name in _LOOKING and not m.is_method:
            read(m, consumed, "call", deep=True)
    if role == "rewind":
        for ref in m.get(bound.get("0")):
            rewound(m, ref.obj)
    if name == "set_" and "1" in bound:
        _shares(m, bound)
    _of_memory(m, bound, result, name)
    if role == "escape" and isinstance(op, ops.Call):
        for told in m.on.threaded:
            told(m, op)
    if name == "load_state_dict" and effect.captures:
        _state_shared(m, bound)
    if name in ("Subset", "random_split") and "0" in bound:
        return _subsets(m, name, bound)
    if name == "state_dict" and bound and m.get(bound["0"]) and m.get(bound["0"])[0].obj.kind == "optimizer":
        _optimizer_state(m, bound, result)
    if role == "step":
        _step(m, bound)
    return tenure_roles(m, role, bound, result, op)


def _leaf(m: Machine, result: Value, bound: dict[str, int], effect: Effect) -> None:
    """`requires_grad=True`, and `requires_grad_()`."""
    given = m.get(bound.get("requires_grad"))
    wanted = len(given) == 1 and given[0].obj.const is True
    if isinstance(m.op, ops.Call) and m.op.method == "requires_grad_":
        first = m.get(m.op.args[0][0]) if m.op.args else ()
        wanted = not (len(first) == 1 and first[0].obj.const is False)
    if wanted:
        for ref in result:
            if ref.obj.kind in ("tensor", "var", "value"):
                ref.obj.grad = ref.obj.leaf = True


def _record(m: Machine, effect: Effect, bound: dict[str, int], result: Value, name: str) -> None:
    if m.state.quiet > 0 or name in _GRADLESS:
        return
    arguments = [(key, ref) for key, register in bound.items() for ref in tensors_of(m, m.get(register))]
    if not any(differentiable(m, ref.obj) for _, ref in arguments):
        return
    saved = []
    for spec in effect.saves:
        if spec == "result":
            saved += [kept_for_backward(m, ref, None) for ref in result]
            continue
        for value, holder in pick(m, spec, bound):
            for ref in value:
                partner = name not in _PARTNERS or any(
                    differentiable(m, other.obj) for key, other in arguments if key != spec
                )
                if partner and ref.obj.kind in ("tensor", "value", "var", "tinygrad"):
                    saved.append(kept_for_backward(m, ref, holder))
    parents = tuple(ref for _, ref in arguments)
    for ref in result:
        if ref.obj.kind in ("tensor", "value", "unknown", "tinygrad") and ref.obj.node is m.op.node:
            recorded(m, ref.obj, parents, tuple(saved))
        elif ref.obj.base is not None or effect.result == "alias":
            saved_in_place(m, ref.obj, saved)
            if name in _COMBINING:
                joined(m, ref.obj.root(), tuple(ref for key, ref in arguments if key != "0"))


def _switches_on(m: Machine, bound: dict[str, int]) -> bool:
    value = m.get(bound.get("0"))
    return len(value) == 1 and value[0].obj.const is True and len(bound) == 1


def _computed_later(m: Machine, bound: dict[str, int], result: Value, role: str) -> None:
    """A result that is computed later, from the contents of the arguments at that time."""
    watched: list[Ref] = []
    kinds = ("ndarray",) if role == "async" else ("tinygrad",)
    for register in bound.values():
        for ref in m.get(register):
            watched += m.state.cells.get((ref.obj, "·later"), ())
            if ref.obj.kind in kinds:
                source = m.sources.get(register)
                watched.append(ref._replace(loan=m.loan("later", source, ref._replace(loan=None))))
    for ref in result:
        m.state.cells[(ref.obj, "·later")] = tuple(dict.fromkeys(watched))


def _recomputed(m: Machine, bound: dict[str, int], result: Value, op: ops.Op) -> Value:
    """A function that runs again during backward: its outer variables are kept until then."""
    kept: list[Ref] = []
    for ref in m.get(bound.get("0")):
        if isinstance(ref.obj.target, ops.Function):
            for _, held in outer_values(m, ref.obj):
                if held.obj.kind == "tensor":
                    kept.append(held._replace(loan=m.loan("saved", None, held._replace(loan=None))))
    out = m.fresh("recomputed", "tensor")
    parents = tuple(r for register in bound.values() for r in m.get(register))
    out.grad = True
    recorded(m, out, (Ref(out), *parents), tuple(kept))
    return (Ref(out),)


def _shares(m: Machine, bound: dict[str, int]) -> None:
    """`a.set_(b)`: a shows b's memory from now on."""
    for ref in m.get(bound["0"]):
        shared_data(m, ref, m.sources.get(bound["0"]), bound["1"])


def _of_memory(m: Machine, bound: dict[str, int], result: Value, name: str) -> None:
    """Pinned memory, copies that nothing waits for, and parameters that are spread over a vector."""
    pinned = m.get(bound.get("pin_memory"))
    if name == "pin_memory" or (pinned and pinned[0].obj.const is True):
        for ref in result:
            ref.obj.text = "pinned"
    if "non_blocking" in bound:
        transferred(m, bound, result, name)
    if name == "vector_to_parameters" and len(bound) > 1:
        _spread_over(m, bound)


def _spread_over(m: Machine, bound: dict[str, int]) -> None:
    """`vector_to_parameters(v, parameters)`: the parameters show v's memory from now on."""
    vector, source = m.get(bound["0"]), m.sources.get(bound["0"])
    if len(vector) != 1 or not isinstance(source, str | tuple) or vector[0].obj.kind not in ("tensor", "unknown"):
        return
    obj = vector[0].obj
    obj.kind = "tensor"
    for ref in reachable(m, m.get(bound["1"])):
        m.state.cells[(ref.obj, STORAGE)] = (Ref(obj),)
    m.state.cells[source] = (vector[0]._replace(loan=m.loan("shared", source, Ref(obj), "vector_to_parameters")),)


def _subsets(m: Machine, name: str, bound: dict[str, int]) -> Value:
    """Parts of a data set, which hold the data set itself."""
    made = []
    source = m.sources.get(bound["0"])
    held = tuple(lend(m, ref, "subset", source) for ref in m.get(bound["0"]))
    for at in range(1 if name == "Subset" else 3):
        part = m.fresh(("subset", at), "instance", text="subset")
        m.state.cells[(part, "dataset")] = held
        made.append(Ref(part))
    if name == "Subset":
        return tuple(made)
    parts = m.fresh("subsets", "list", text="display")
    for at, ref in enumerate(made):
        m.state.cells[(parts, at)] = (ref,)
    return (Ref(parts),)


def _optimizer_state(m: Machine, bound: dict[str, int], result: Value) -> None:
    for ref in m.get(bound["0"]):
        state = m.field(ref.obj, "state")
        for made in result:
            lent = tuple(lend(m, one, "shared", (ref.obj, "state"), copylike=True) for one in state)
            m.state.cells[(made.obj, "*")] = lent


def _step(m: Machine, bound: dict[str, int]) -> None:
    """An optimizer's step, which writes its own state too."""
    for ref in m.get(bound.get("0")):
        holder = (ref.obj, "state")
        if holder in m.state.cells:
            write_to(m, m.state.cells[holder], holder, wrote(m, "step", ".step(…)"))


def _state_shared(m: Machine, bound: dict[str, int]) -> None:
    """An optimizer that loads another's state and keeps its tensors."""
    for ref in m.get(bound.get("0")):
        if ref.obj.kind != "optimizer":
            continue
        for given in m.get(bound.get("1")):
            for item in m.items(given.obj):
                if item.obj.field == "state" and item.obj.owner is not None:
                    m.state.cells[(ref.obj, "state")] = (item,)


def _compiled(m: Machine, op: ops.Call, result: Value) -> Value:
    """A function compiled by the library: its outer variables are read once."""
    new = m.fresh("compiled", "function", text="compiled")
    if op.args:
        m.state.cells[(new, "function")] = m.get(op.args[0][0])
    for name, register in op.keywords:
        if name in ("donate_argnums", "donate_argnames"):
            m.state.cells[(new, "donated")] = m.get(register)
    return (Ref(new),)


def tenure_roles(m: Machine, role: str, bound: dict[str, int], result: Value, op: ops.Op) -> Value:
    if role in (SHARED, EXCLUSIVE):
        for ref in m.get(bound.get("0")):
            may_borrow(m, ref, role)
            for made in result:
                made.obj.owner = made.obj.owner or ref.obj
                made.obj.text = role
                made.obj.target = ref.obj
    if role == "move":
        for ref in m.get(bound.get("0")):
            if ref.obj.kind != "scalar":
                give_up(m, ref.obj, "moved")
    return result


def before(m: Machine, effect: Effect, bound: dict[str, int], op: ops.Op, name: str) -> None:
    """The part of a call's meaning that comes before its writes: a backward pass, and reads of what it writes."""
    if effect.role == "backward":
        _backward(m, bound, op, name)
    if isinstance(op, ops.Call) and name.endswith("_") and "1" in bound and "0" in bound and effect.writes:
        paired(m, m.get(bound["0"]), m.get(bound["1"]))
    if effect.out is not None and effect.out in bound:
        for key, register in bound.items():
            if key != effect.out:
                paired(m, m.get(bound[effect.out]), m.get(register))


def _backward(m: Machine, bound: dict[str, int], op: ops.Op, name: str) -> None:
    retained = any(
        len(value := m.get(bound.get(key))) == 1 and value[0].obj.const is True
        for key in ("retain_graph", "create_graph")
    )
    given = "retain_graph" in bound or "create_graph" in bound
    before = dict(m.state.gone)
    after: dict[Obj, object] = {}
    for ref in tensors_of(m, m.get(bound.get("0"))):
        # The objects of a value are alternatives: none consumes the graph of another.
        m.state.gone = dict(before)
        backward(m, ref, op, retained=retained or given, accumulates=name == "backward")
        after |= m.state.gone
    m.state.gone = before | after
