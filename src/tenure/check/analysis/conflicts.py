"""Writes and reads: the effect of a write on other references, and the conflicts that reads of those find."""

import ast
import re
from collections.abc import Iterator, Set
from dataclasses import replace
from itertools import takewhile

from tenure.check.analysis.findings import Conflict, Event
from tenure.check.analysis.frame import Frame
from tenure.check.analysis.machine import Machine
from tenure.check.cells import STORAGE, row_of
from tenure.check.effects.effect import CONTAINERS, HOLDING, MUTABLE, OBJECTS
from tenure.check.ops import Op, contradictory
from tenure.check.values import MUST, NO, Holder, Loan, Obj, Ref, Value, Write, copylike, one_object

__all__ = [
    "GONE",
    "KEPT",
    "captured",
    "conflict",
    "give_up",
    "lost",
    "note",
    "paired",
    "read",
    "reading",
    "replaced",
    "used_after",
    "write_to",
    "wrote",
]

_INITIAL = re.compile(r"\.(zeros?|ones|fill|constant|eye|dirac|orthogonal|sparse|copy|(\w+_)?(normal|uniform))_\(")
"""Writes that initialize a new parameter."""

_SHARING = frozenset(("captured", "attribute", "given"))
"""Relations by which modules share a parameter."""

_BY_IDENTITY = frozenset(("name", "chain", "element", "attribute", "captured", "saved", "global", "grad"))

GONE = frozenset(("moved", "donated", "consumed"))
"""Ways to give up an object."""

_DEEP = HOLDING | {"iterator"}

_KNOWN = frozenset(("saved", "iteration", "subset", "traced", "argument"))

_READS = frozenset(("operator", "call", "method", "test", "format", "iterate", "compare", "raise", "backward",
                    "again", "stored"))  # fmt: skip

KEPT = re.compile(r"(^|_)(old|prev|previous|before|orig|original|backup|saved|snapshot|best|initial|copy)($|_)")
"""Names of values that are kept unchanged."""


def wrote(m: Machine, sort: str, text: str = "", **known: object) -> Write:
    """The write of the present operation."""
    node = known.pop("node", None) or m.op.node
    frame = m.frame
    number = 0 if frame is None else frame.number
    key = (id(node), sort, number, tuple(sorted(known.items(), key=lambda item: item[0])) if known else ())
    write = m.writes.get(key)
    if write is None:
        write = Write(node, sort, text, conditions=m.op.conditions, **known)  # type: ignore[arg-type]
        write.call, write.frame = None if frame is None else frame.call, number
        m.writes[key] = write
    return write


def write_to(m: Machine, value: Value, holder: Holder | None, write: Write, *, all_of: bool = False) -> None:
    """Write to the objects of a value; all other references to them have not expected it."""
    if m.frame is not None and m.frame.excludes(write.conditions):
        return
    m.alone = all_of or one_object(value)
    for ref in value:
        write.reached.add(ref.obj)
        write.hidden = write.hidden or _hidden_from_autograd(ref)
        certain = write.certain and m.alone and not (ref.obj.maybe or m.divided)
        for told in m.on.written:
            told(m, ref, holder, write)
        if ref.obj.kind in ("scalar", "unknown") and write.sort != "step":
            continue
        _surprise(m, ref, holder, write, certain)
        if write.sort == "rebind":
            storage = m.fresh(("storage", ref.obj), ref.obj.kind)
            m.state.cells[(ref.obj, STORAGE)] = (Ref(storage),)
    if holder is not None and holder in m.state.cells and write.sort in ("write", "resize"):
        # A write through a reference is expected by it.
        mine = m.state.cells[holder]
        m.state.cells.change(holder, tuple(r if r.write is None else r._replace(write=None) for r in mine))


def _surprise(m: Machine, ref: Ref, holder: Holder | None, write: Write, certain: bool) -> None:
    sources = _sources(m, ref, holder)
    homes, expecting = _expecting(m, sources, write)
    seeming = copylike(ref)
    cells, m.state.reached, m.state.overlaps = m.state.cells, {}, {}
    resized, newest = write.sort == "resize", m.last.get
    trains = isinstance(holder, tuple) and holder[0].kind in ("optimizer", "tenure-optimizer")
    for other in _sharing(m, ref.obj):
        value = cells.get(other)
        if not value:
            continue
        if other == holder or sources.get(other) is False:
            continue
        if other not in sources and not any(
            held.loan is not None and (held.write is None or _doubted(held, write)) for held in value
        ):
            continue
        if other.__class__ is tuple and not resized:
            container = other[0]
            if container.kind == "iterator" or newest(container, container) in homes:
                # The next item of an iteration is read at that time, in its state of that time.
                continue
        changed = False
        out = []
        for held in value:
            doubted = _doubted(held, write)
            expects = (held.write is not None and not doubted) or (held.loan is None and other not in sources)
            expects = expects or held.obj in expecting or (trains and _trained(other, held))
            found = NO if expects else _reaches(m, ref, held, write, holder)
            if found is NO:
                out.append(held)
                continue
            must = certain and found is MUST and held.must and not held.obj.maybe
            if doubted or (len(value) > 1 and held.loan is not None and held.loan.relation == "iteration"):
                must = write.certain and found is MUST and _same_container(m, held, holder, value)
            out.append(Ref(held.obj, held.loan or seeming, write, must))
            changed = True
        if changed:
            cells.change(other, tuple(out))
    m.state.reached = m.state.overlaps = None


def _sharing(m: Machine, obj: Obj) -> list[Holder]:
    """The cells that may refer to memory of an object: all of them where that is more than a root and its views."""
    cells, root = m.state.cells, obj.root()
    if cells.exchanged or root.deep or root.field == "grad":
        return list(cells)
    row = row_of(obj)
    found = cells.places.of(root) if row < 0 or obj.base is not root else cells.places.of_row(root, row)
    for everything in m.everythings:
        found += cells.places.of(everything)
    return list(dict.fromkeys(found))


def _trained(holder: Holder, held: Ref) -> bool:
    """Whether what an optimizer writes is a module's own parameter, by whatever expression that was made."""
    own = isinstance(holder, tuple) and holder[0].kind in ("module", "tenure-module")
    given = held.loan is not None and held.loan.relation == "attribute"
    return own and given and not KEPT.search(str(holder[1]))  # type: ignore[index]


def _sources(m: Machine, ref: Ref, holder: Holder | None) -> dict[Holder, bool]:
    """The cells that a written reference was taken from, each with whether a copy seems to lie between."""
    sources = ref.loan.sources() if ref.loan is not None else {}
    if m.frames:
        for taken, copied in [*sources.items(), (holder, False)]:
            sources.update((given, copied) for given in _given_as(m, taken) if given not in sources)
    return sources


def _expecting(m: Machine, sources: dict[Holder, bool], write: Write) -> tuple[set[Obj], Set[Obj]]:
    """The containers whose other items expect a write, and the objects that do: it was taken out of them."""
    taken_from = {at[0] for at, copied in sources.items() if isinstance(at, tuple) and not copied}
    # Another attribute of the same object is a name of its own; other items of a container may be meant.
    homes = {m.newest(container) for container in taken_from if container.kind not in OBJECTS}
    return homes, taken_from | write.stored


def _given_as(m: Machine, holder: Holder | None) -> Iterator[Holder]:
    """The cells of a parameter's argument, in the caller, in its caller, and so on."""
    seen: set[Holder] = set()
    while isinstance(holder, str) and holder not in seen:
        # A frame that is run again may have been given what it handed on itself.
        seen.add(holder)
        name, _, number = holder.partition("·")
        frame = m.by_number.get(number)
        if frame is None or name not in frame.given:
            return
        holder = frame.given[name][1]
        if holder is None:
            return
        yield holder


def _same_container(m: Machine, held: Ref, holder: Holder | None, value: Value) -> bool:
    """Whether the written variable is the iterated one, whatever container it holds."""
    if held.loan is None or held.loan.source != holder or isinstance(holder, int | None):
        return False
    if isinstance(holder, tuple) and (holder[0].kind in HOLDING or holder[0].summary):
        # Which of the items of a container it is may change.
        return False
    return {ref.obj for ref in value} == {ref.obj for ref in m.state.cells.get(holder, ())}


def _reaches(m: Machine, ref: Ref, held: Ref, write: Write, holder: Holder | None) -> int:
    relation = held.loan.relation if held.loan is not None else ""
    if write.sort == "resize":
        iterated = held.loan is not None and held.loan.relation == "iteration"
        if iterated and write.grows and ref.obj.kind == "list" and held.loan and held.loan.source == holder:
            # A list that grows while it is iterated is a work list; by another name that is no intention.
            return NO
        if held.loan is not None and held.loan.text.startswith("reversed"):
            # Removals behind the iterator do not matter to it.
            return NO
        return m.state.overlap(ref.obj, held.obj) if ref.obj is held.obj else NO
    made = held.obj.owner is None and held.obj.leaf and isinstance(held.obj.target, str)
    if relation == "iteration" or (relation in _SHARING and made and _INITIAL.match(write.text)):
        return NO
    if write.sort == "rebind":
        same = ref.obj is held.obj and (relation in _BY_IDENTITY or relation == "")
        return m.state.overlap(ref.obj, held.obj) if same else NO
    if ref.obj.kind in CONTAINERS and ref.obj is not held.obj:
        return NO
    return m.state.overlap(ref.obj, held.obj)


def read(m: Machine, register: int | None, how: str, *, deep: bool = False) -> None:
    """Read data through a register; references with an unexpected write are reported."""
    value = m.state.cells.get(register) if register is not None else None
    if value:
        reading(m, value, how, m.nodes.get(register), deep)  # type: ignore[arg-type]


def reading(m: Machine, value: Value, how: str, node: ast.AST | None = None, deep: bool = False) -> None:
    """Read data through a value."""
    seen: set[Obj] = set()
    told, stack = m.on.read, list(value)
    while stack:
        ref = stack.pop()
        obj, loan, write, _ = ref
        m.seen.add(obj)
        for listener in told:
            listener(m, ref, how)
        if write is not None:
            if write.sort in GONE:
                if write.sort != "consumed":
                    used_after(m, ref, node or m.op.node)
            elif loan is not None:
                conflict(m, ref, how, node or m.op.node)
        if deep and obj.kind in _DEEP and obj not in seen:
            seen.add(obj)
            stack += m.items(obj)
    _read_later(m, value, how, node or m.op.node)


def _read_later(m: Machine, value: Value, how: str, node: ast.AST) -> None:
    """Read what an object shows only now: the operands of a pending result, the data set under a part of it."""
    cells = m.state.cells
    for ref in value:
        names = cells.index.get(ref.obj)
        if names is None:
            continue
        for name in names:
            if name == "dataset" or (name == "·later" and ref.obj.kind in ("jax", "tinygrad")):
                for held in cells.get((ref.obj, name), ()):
                    if held.write is not None:
                        conflict(m, held, how, node)


def used_after(m: Machine, ref: Ref, node: ast.AST) -> None:
    """Note the use of an object that was given up."""
    for told in m.on.gone:
        told(m, ref, node)


def lost(m: Machine, ref: Ref, write: Write | None) -> None:
    """Note a write to a temporary, which has no effect."""
    for told in m.on.lost:
        told(m, ref, write)


def paired(m: Machine, target: Value, operand: Value) -> None:
    """Note an operation that writes one value and reads another."""
    for told in m.on.paired:
        told(m, target, operand)


def captured(m: Machine, obj: Obj, name: object, value: Value, register: int | None) -> None:
    """Note that a container or object stores references."""
    for told in m.on.captured:
        told(m, obj, name, value, register)


def replaced(m: Machine, ref: Ref, name: object, op: Op) -> None:
    """Note that a field of an object is bound anew."""
    for told in m.on.replaced:
        told(m, ref, name, op)


def give_up(m: Machine, obj: Obj, how: str) -> None:
    """Note that an object is moved, donated or used up: no reference to it is valid from now on."""
    write = wrote(m, how)
    for holder, value in m.state.cells.holding(obj):
        if any(ref.obj is obj for ref in value):
            m.state.cells[holder] = tuple(
                ref._replace(write=write, must=True) if ref.obj is obj else ref for ref in value
            )


def conflict(m: Machine, ref: Ref, how: str, node: ast.AST) -> None:
    """Note a read of a reference whose object was written unexpectedly."""
    loan, write = ref.loan, ref.write
    assert loan is not None and write is not None
    if contradictory(*loan.all_conditions(), write.conditions, m.op.conditions):
        return
    used = how in _READS or (how == "return" and _named_kept(loan))
    certain = ref.must and write.certain and used and (ref.obj.kind in MUTABLE or loan.relation in _KNOWN)
    if ref.obj.kind in CONTAINERS and not _kept_unchanged(loan, write, how):
        certain = False
    window = m.windows.get(loan)
    if window is not None and window != write.frame and not (loan.copylike or KEPT.search(loan.name)):
        # A view that an object keeps of its own array, and another method writes the array: a window on it.
        certain = False
    if not certain and loan.text == "state_dict" and write.text == ".step(…)" and ref.obj in write.reached:
        certain = used  # Whichever round the snapshot is of.
    if loan.relation in ("passed", "given"):
        # A function that writes what it was given, and reads its parameter, means to; an object keeps what it is given.
        certain = False
    path = m.path
    if m.frames:
        homes = {m.homes.get(id(site), path) for site in (loan.node, write.node, node)}
        if len(homes) == 1:
            path = homes.pop()
            write = _through(m, write, loan.frame, path)
        else:
            # In the file under check: by the calls that lead to the other one.
            write = _by_call(m, write)
            node = m.frame.call if m.frame is not None and id(node) in m.homes else node
    m.findings.conflict(Conflict(path, loan, write, node, how, ref.obj, certain))


def _through(m: Machine, write: Write, taken: int, path: str) -> Write:
    """A write in a called function, with the calls that lead to it from a body that also leads to the loan."""
    above = {frame.number for frame in _frames(m, taken)}
    calls = list(takewhile(lambda frame: frame.number not in above, _frames(m, write.frame)))
    if not calls:
        return write
    via = (*[frame.function.name for frame in reversed(calls)], *write.via)
    return replace(write, node=calls[-1].at, inner=write.inner or (path, write.node), via=via)


def _frames(m: Machine, number: int) -> Iterator[Frame]:
    """A called function, its caller, and so on."""
    at = m.by_number.get(str(number))
    while at is not None:
        yield at
        at = at.parent


def _by_call(m: Machine, write: Write) -> Write:
    home = m.homes.get(id(write.node))
    if home is None or write.call is None or write.inner is not None:
        return write
    called = ast.unparse(write.call.func) if isinstance(write.call, ast.Call) else ""
    return replace(write, node=write.call, inner=(home, write.node), via=(called,))


def note(m: Machine, rule: str, *nodes: ast.AST | None, **more: object) -> None:
    """Note an event of one rule; nodes without a position are left out."""
    placed = tuple(node for node in nodes if node is not None and hasattr(node, "lineno"))
    path = m.path
    if m.homes and placed:
        homes = {m.homes.get(id(site), path) for site in placed}
        if len(homes) == 1:
            path = homes.pop()
        elif m.frame is None:
            placed = tuple(site for site in placed if id(site) not in m.homes)
        else:
            placed = tuple(m.frame.call if id(site) in m.homes else site for site in placed)
    if placed:
        m.findings.event(Event(path, rule, placed, **more))  # type: ignore[arg-type]


def _hidden_from_autograd(ref: Ref) -> bool:
    """Whether autograd misses writes through a reference: by `.data` and NumPy's views."""
    at = ref.loan
    while at is not None and at.text not in ("data", "numpy", "__array__", "asarray"):
        at = at.parent
    return at is not None


def _doubted(held: Ref, write: Write) -> bool:
    """Whether an iteration that may have been disturbed is now disturbed for certain."""
    iterated = held.loan is not None and held.loan.relation == "iteration" and held.write is not None
    return iterated and not held.must and write.sort == "resize" and write.certain


def _named_kept(loan: Loan) -> bool:
    """Whether a value, or what a display was built from, has the name of what stays as it was."""
    return KEPT.search((loan.parent or loan if loan.relation == "captured" else loan).name) is not None


def _kept_unchanged(loan: Loan, write: Write, how: str) -> bool:
    """Whether code that keeps a container wants it unchanged: a second name is often only a short one."""
    if loan.relation in ("iteration", "traced", "queued", "argument") or how == "again" or loan.text == "shallow":
        return True
    handed = bool(write.via) and any(isinstance(at, tuple) and at[0].kind == "iterator" for at in loan.sources())
    return handed or isinstance(write.node, ast.AugAssign) or _named_kept(loan)
