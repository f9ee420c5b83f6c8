"""Loans, views, and the tensors that are reached from a value."""

from typing import Any

from tenure.check import ops
from tenure.check.analysis.conflicts import KEPT
from tenure.check.analysis.indices import imports
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.windows import overlapping
from tenure.check.effects.effect import CONTAINERS, OBJECTS
from tenure.check.scope import parameters
from tenure.check.values import MAY, MUST, SECOND_NAMES, Component, Holder, Obj, Ref, Value, plain

__all__ = ["gradients_of", "handle_kind", "inherit", "lend", "narrowed", "reachable", "same_place",
           "shared_data", "view_of"]  # fmt: skip

SAME_SPACE = frozenset(
    ("data", "detach", "numpy", "__array__", "from_numpy", "asarray", "as_tensor", "asanyarray", "Parameter", "_data",
     "Variable", "contiguous", "to", "float", "double", "cpu", "cuda", "type", "ascontiguousarray", "borrow_mut",
     "from_dlpack", "detach_", "astype", "array", "frombuffer", "device_get", "device_put")
)  # fmt: skip
"""Operations whose result is indexed as their argument is."""

_WHOLE: tuple[Component, ...] = (("all",),)
"""The region of `x[:]`."""

_CONVERTING = frozenset(
    ("detach", "numpy", "asarray", "as_tensor", "from_numpy", "to", "float", "asanyarray", "array", "ascontiguousarray")
)
"""Operations that read as if they made something new."""



def lend(m: Machine, ref: Ref, relation: str, source: Holder | None, text: str = "", *, copylike: bool = False) -> Ref:
    """The reference under a new loan, unless its object was written unexpectedly before."""
    if ref.write is not None or ref.obj.kind in ("scalar", "function", "module-name"):
        return ref
    return Ref(ref.obj, m.loan(relation, source, ref, text, copylike=copylike), None, ref.must)


def is_parameter(m: Machine, holder: Holder | None) -> bool:
    """Whether a variable is a parameter: an object that stores it is given it."""
    return isinstance(holder, str) and any(one.arg == plain(holder) for one in parameters(m.function.node))


def first_of(m: Machine, chained: str | tuple[int, str] | None) -> Holder | None:
    """The cell of the first target of `a = b = value`."""
    if not isinstance(chained, tuple):
        return chained
    value = m.get(chained[0])
    return (value[0].obj, chained[1]) if len(value) == 1 else None


def gradients_of(m: Machine, obj: Obj) -> Value:
    """The possible gradients of a tensor, or of all tensors of a module."""
    own = m.field(obj, "grad")
    if not obj.deep or obj.owner is None:
        return own
    held = [
        value
        for holder, value in m.state.cells.items()
        if isinstance(holder, tuple) and holder[1] == "grad" and m.state.holds(obj.owner, holder[0])
    ]
    return tuple(dict.fromkeys((*own, *(ref for value in held for ref in value))))


def reachable(m: Machine, value: Value) -> Value:
    """The tensors in containers, at any depth."""
    out: list[Ref] = []
    seen: set[Obj] = set()
    stack = list(value)
    while stack:
        obj = stack.pop().obj
        if obj in seen:
            continue
        seen.add(obj)
        for ref in m.items(obj):
            if ref.obj.kind in (*CONTAINERS, "tuple", "iterator", "optimizer"):
                stack.append(ref)
            else:
                out.append(ref)
    return tuple(dict.fromkeys(out))


def _new_view(
    m: Machine,
    ref: Ref,
    name: str,
    register: int,
    kind: str = "same",
    *,
    region: tuple[Component, ...] | None = None,
    maybe: bool = False,
    relation: str = "view",
) -> Value:
    base = ref.obj
    kind = base.kind if kind == "same" else kind
    if region is None:
        region = () if name in SAME_SPACE else (("op", name, *constants(m)),)
    if base.base is not None and region == base.region == _WHOLE and kind == base.kind and not maybe:
        base = base.base  # `x[:][:]`
    view = m.interned(("view", base, region, kind, m.op.node if maybe else None), kind, base=base)
    view.region, view.summary = region, base.summary
    view.maybe = name if maybe else base.maybe
    view.grad, view.dtype = base.grad and name not in ("detach", "data", "numpy"), base.dtype
    if region and region[0][0] == "op":
        view.strided = base.strided or name in ("T", "mT", "transpose", "permute", "t", "swapaxes", "moveaxis")
        view.ndim = base.ndim if name in ("T", "transpose", "swapaxes", "flip") else None
    elif not region:
        view.ndim, view.strided = base.ndim, base.strided
    copylike = name in _CONVERTING
    source = m.sources.get(register, register)
    loan = ref.loan
    if isinstance(source, int) and loan is None:
        # A view of a temporary has no one beside it.
        return (Ref(view, None, ref.write, ref.must),)
    if ref.write is None or loan is None:
        loan = m.loan(relation, source, ref, name, copylike=copylike)
    return (Ref(view, loan, ref.write, ref.must),)


def constants(m: Machine) -> tuple[object, ...]:
    """The constant arguments of the present call, which tell views by one method apart."""
    if not isinstance(m.op, ops.Call):
        return ()
    return tuple(r.obj.const for register, _ in m.op.args for r in m.get(register) if r.obj.const is not ...)


def handle_kind(m: Machine) -> str:
    """The kind of an object whose `.data` is assigned, by the libraries that are imported."""
    if imports(m, "torch"):
        return "tensor"
    return "var" if imports(m, "tenure") else ""


def shared_data(m: Machine, ref: Ref, holder: object, register: int) -> None:
    """`a.data = b.data`, `a.set_(b)`: a shows the memory of b from now on."""
    given = m.get(register)
    source = m.sources.get(register)
    if len(given) != 1 or given[0].obj.kind != "tensor":
        return
    other = given[0]
    if source is None and other.loan is None:
        return
    m.state.cells[(ref.obj, "·storage")] = (Ref(other.obj),)
    if isinstance(holder, str | tuple):
        if source is None and other.loan is not None:
            source = other.loan.source
        loan = m.loan("shared", source, other._replace(loan=None), "set_")
        held = m.state.cells.get(holder, ())
        m.state.cells[holder] = tuple(one._replace(loan=loan, write=None) for one in held)


def view_of(m: Machine, ref: Ref, name: str, register: int, kind: str = "same", **more: Any) -> Value:
    """A view of the object of `ref`."""
    made = _new_view(m, ref, name, register, kind, **more)
    if name in ("reshape", "view") and isinstance(m.op, ops.Call):
        axes = _axes_given(m, m.op)
        for one in made:
            one.obj.ndim = axes or None
    if name != "[]":
        m.seen.add(ref.obj)
    for one in made:
        if overlapping(name, m.op.node):
            one.obj.text, one.obj.node = "expanded", m.op.node
        elif one.obj.node is None:
            one.obj.node = m.op.node
    return made


def _axes_given(m: Machine, op: ops.Call) -> int | None:
    """The number of axes of `reshape(2, 3)` or `reshape((2, 3))`."""
    shape = [m.get(given) for given, _ in op.args]
    if len(shape) == 1 and len(shape[0]) == 1 and shape[0][0].obj.kind == "tuple":
        return len(list(m.state.fields(shape[0][0].obj)))
    return len(shape) if not any(starred for _, starred in op.args) else None


def narrowed(m: Machine, ref: Ref, part: Obj) -> Ref:
    """A reference by which a part of its object is read: a write elsewhere in that object is none to the part.

    What may be elsewhere is not certain, unless the name says that all of the object is kept.
    """
    write = ref.write
    if write is None or write.sort != "write":
        return ref
    root = m.state.chain(part)[0]
    found = [m.state.overlap(one, part) for one in write.reached if m.state.chain(one)[0] is root]
    if not found or MUST in found or (MAY in found and ref.loan is not None and KEPT.search(ref.loan.name)):
        return ref
    return ref._replace(must=False) if MAY in found else ref._replace(write=None)


def same_place(m: Machine, a: Obj, b: Obj) -> bool:
    """Whether two objects are the same elements of the same memory."""
    (root, regions), (other, others) = m.state.chain(a), m.state.chain(b)
    return root is other and not root.summary and _exact(regions) == _exact(others) is not None


def _exact(regions: list[tuple[Component, ...]]) -> list[tuple[Component, ...]] | None:
    """Regions without the slices that take all of the last axes; None where they are not known."""
    if any(part[0] in ("?", "copy") or any(isinstance(one, Obj) and one.summary for one in part)
           for region in regions for part in region):  # fmt: skip
        return None
    out = []
    for region in regions:
        end = len(region)
        while end and region[end - 1][0] == "all":
            end -= 1
        out.append(region[:end])
    return out


def inherit(part: Ref, owner: Ref) -> Ref:
    """A part inherits the unexpected write of the reference that it was read through."""
    if owner.write is None or part.write is not None or owner.write.sort == "resize":
        return part
    if owner.obj.kind in CONTAINERS and owner.obj.owner is None:
        return part
    attribute = owner.obj.kind == "unknown" and owner.write.text == ".step(…)" and isinstance(part.obj.field, str)
    if (owner.obj.kind in OBJECTS or attribute) and (owner.loan is None or owner.loan.relation in SECOND_NAMES):
        # A second name of an object is not kept as it was.
        return part
    return part._replace(loan=part.loan or owner.loan, write=owner.write, must=owner.must)
