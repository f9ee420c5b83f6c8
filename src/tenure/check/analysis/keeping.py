"""Values that code keeps: stored twice, written by a second name, used after they were given up."""

import ast

from tenure.check import ops
from tenure.check.analysis.conflicts import GONE, KEPT, conflict, note, used_after, wrote
from tenure.check.analysis.events import Events
from tenure.check.analysis.findings import Conflict
from tenure.check.analysis.frame import chosen
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.unasked import asked_for, means_to_change
from tenure.check.effects.effect import CONTAINERS, MUTABLE, OBJECTS, TENSORS
from tenure.check.scope import bound_names, last_name
from tenure.check.values import MUST, Holder, Loan, Obj, Ref, Value, Write, plain

__all__ = ["KEEPING", "kept_before"]


def _stored_again(m: Machine, obj: Obj, name: object, value: Value, register: int | None) -> None:
    """Note a container that stores the same object again, written in between."""
    for place, ref in (*((None, ref) for ref in value), *_in_tuples(m, value)):
        if ref.obj.kind not in MUTABLE or ref.obj.summary or ref.loan is None:
            continue
        _beside_itself(m, obj, name, ref)
        if ref.obj.kind == "dict" and m.repeating:
            cells = [(obj, name)] if place is None else [(one.obj, place) for one in value if one.obj.kind == "tuple"]
            _keepers(m).setdefault(ref.obj, set()).update(cells)
        taken = [at[0] for at in ref.loan.sources() if isinstance(at, tuple)]
        lasting = all(one.kind in OBJECTS for one in taken) and _made_elsewhere(m, ref)
        looked_up = bool(taken) and ref.obj.kind in CONTAINERS and not lasting
        if register is None or obj in taken or looked_up:
            # A called function puts back the object that it has taken out; a list that is looked up in one table and
            # put in another is one that they share.
            continue
        for field, held in list(m.state.fields(obj)):
            if field in ("·iterated", "·later", "·graph", "·saved"):
                continue
            parts = [part for at, part in _in_tuples(m, held) if at == place]
            for old in (*held, *parts):
                same = old.obj is ref.obj or (old.obj.base and m.state.overlap(old.obj, ref.obj) is MUST)
                elsewhere = field != name or name == "*" or (isinstance(name, Obj) and ref.obj.kind == "dict")
                if same and old.write is not None and old.loan is not None and elsewhere and _always(m, old.write):
                    one_row = old.loan.node is (m.op.node if place is None else ref.loan.node)
                    if (ref.obj.kind == "dict" and not one_row) or (one_row and _another(m, ref, register)):
                        # Kept under two names; in a loop by the same statement it is one row for all, unless it is
                        # taken from under another key each round.
                        continue
                    conflict(m, old, "again", m.op.node)


def _always(m: Machine, write: Write) -> bool:
    """Whether a called function writes in every round what it is given."""
    frame = m.by_number.get(str(write.frame))
    return frame is None or not chosen(write.conditions[frame.above :], frame.given)


def _made_elsewhere(m: Machine, ref: Ref) -> bool:
    """Whether another function than the present one made what an object keeps, and nothing here makes it anew."""
    node, line = m.function.node, getattr(ref.obj.node, "lineno", 0)
    anew = {one.attr for one in m.function.scope.of(ast.Attribute) if isinstance(one.ctx, ast.Store)}
    if ref.loan is None or any(isinstance(at, tuple) and at[1] in anew for at in ref.loan.sources()):
        return False
    return not getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)


def _in_tuples(m: Machine, value: Value) -> list[tuple[object, Ref]]:
    """The items of stored tuples, each with its place."""
    tuples = [ref.obj for ref in value if ref.obj.kind == "tuple"]
    return [(at, part) for one in tuples for at, held in m.state.fields(one) for part in held]


def _varies(ref: Ref) -> bool:
    """Whether a reference leads to an item that a loop or an unknown index chose: another one each round."""
    at: Obj | None = ref.obj
    while at is not None:
        if at.field == "*" or isinstance(at.field, Obj) or at.deep:
            return True
        at = at.base or (at.owner if at.field == "grad" else None)
    sources = ref.loan.sources() if ref.loan is not None else ()
    return any(isinstance(one, tuple) and (one[1] == "*" or isinstance(one[1], Obj)) for one in sources)


def _another(m: Machine, ref: Ref, register: int) -> bool:
    """Whether a statement that stores in a loop stores another object in each round, or at one place, or once.

    What was made in a loop of its own comes out of a collection.
    """
    return (
        _varies(ref)
        or _ends_its_loop(m)
        or _walked(m, m.sources.get(register))
        or _one_key(m, ref.obj.node)
        or any(loop not in _around(m, m.op.node) for loop in _around(m, ref.obj.node))
    )


def _around(m: Machine, node: ast.AST | None) -> list[ast.For | ast.While]:
    """The loops of the present body around a node."""
    line = getattr(node, "lineno", 0)
    return [loop for loop in m.function.scope.of(ast.For, ast.While) if loop.lineno <= line <= (loop.end_lineno or 0)]


def _walked(m: Machine, source: Holder | None) -> bool:
    """Whether a variable is the item of a loop around the present statement."""
    name = plain(source) if isinstance(source, str) else ""
    loops = [loop for loop in _around(m, m.op.node) if isinstance(loop, ast.For)]
    return any(name in bound_names([loop.target]) and name not in bound_names(loop.body) for loop in loops)


def _one_key(m: Machine, made: ast.AST | None) -> bool:
    """Whether the loops around a store, but not around what made its value, keep the key: it is one entry."""
    if not isinstance(m.op.node, ast.Subscript) or any(isinstance(one, ast.Call) for one in ast.walk(m.op.node.slice)):
        return False
    outside = _around(m, made)
    changing = bound_names([loop for loop in _around(m, m.op.node) if loop not in outside])
    return not any(isinstance(one, ast.Name) and one.id in changing for one in ast.walk(m.op.node.slice))


def _ends_its_loop(m: Machine) -> bool:
    """Whether the present statement stands beside an assignment that ends the loop around: `done = True`."""
    scope = m.function.scope
    for test in [one.test for one in scope.of(ast.While)]:
        names = {one.id for one in ast.walk(test) if isinstance(one, ast.Name)}
        for branch in [suite for one in scope.of(ast.If) for suite in (one.body, one.orelse)]:
            if any(isinstance(one, ast.Expr) and one.value is m.op.node for one in branch):
                bound = (at for one in branch if isinstance(one, ast.Assign) for at in one.targets)
                if any(isinstance(at, ast.Name) and at.id in names for at in bound):
                    return True
    return False


def _keepers(m: Machine) -> dict[Obj, set[Holder]]:
    """The cells of containers that hold a dictionary."""
    return m.notes("kept", dict)


def kept_before(m: Machine, obj: Obj, write: Write) -> None:
    """Note that a dictionary changes which a container has stored already."""
    cells, keepers = m.state.cells, _keepers(m).get(obj, set())
    for holder, value in cells.holding(obj) if keepers else ():
        if not isinstance(holder, tuple) or not keepers & {holder, (m.newest(holder[0]), holder[1])}:
            continue
        if any(ref.obj is obj and ref.write is None and ref.loan is not None for ref in value):
            cells[holder] = tuple(
                ref._replace(write=write) if ref.obj is obj and ref.write is None and ref.loan is not None else ref
                for ref in value
            )


def _beside_itself(m: Machine, obj: Obj, name: object, ref: Ref) -> None:
    """Note an object of one key of a dictionary that was written and is stored under another key."""
    if ref.obj.kind not in TENSORS or not isinstance(name, str) or ref.loan is None:
        return
    write: Write | None = None
    at: Loan | None = ref.loan
    while at is not None:
        match at.source:
            case (owner, str(key)) if owner is obj and key not in (name, "*") and write is not None:
                if any(held.obj is ref.obj for held in m.state.cells.get((obj, key), ())):
                    conflict(m, ref._replace(loan=at, write=write), "again", m.op.node)
                return
            case str(taken):
                # A write through a name that was taken out of the first key; what came before it was stored is none.
                write = write or m.through.get((ref.obj, taken))
        at = at.parent


def _marked_by_name(m: Machine, value: Value, holder: Holder | None, write: Write) -> None:
    """Note `b += x` on a second name of a: it reads as if b became something new, and a changes."""
    for ref in value:
        loan = ref.loan
        if loan is not None and loan.relation == "passed" and m.frame is not None:
            m.frame.by_name[ref.obj] = write
            continue
        on_object = isinstance(holder, tuple) and holder[0].kind in OBJECTS
        if loan is not None and on_object and _marked_for_givers(m, ref, loan, write):
            continue
        if loan is not None and _is_given_out(m, ref, loan, holder, write):
            _mark_inside(m, ref, loan, write)
            continue
        if loan is None or loan.source is None or _is_meant(loan.source, holder):
            continue
        source = loan.source
        held = m.state.cells.get(source, ())
        if loan.relation not in ("name", "parameter", "element", "argument", "attribute") or source == holder:
            continue
        marked = tuple(
            one._replace(loan=loan, write=write, must=len(value) == 1 and write.certain)
            if one.obj is ref.obj and one.write is None
            else one
            for one in held
        )
        m.state.cells[source] = marked


def _marked_for_givers(m: Machine, ref: Ref, given: Loan, write: Write) -> bool:
    """Note `self.x += y` where x was given to the object: to whoever gave it this is a surprise."""
    at: Loan | None = given
    found = False
    while at is not None:
        source = at.source
        held = m.state.cells.get(source, ()) if isinstance(source, str) else ()
        if any(one.obj is ref.obj and one.write is None for one in held) and not asked_for(m, source):
            loan = m.loan("argument", source, ref._replace(loan=None), given.text, copylike=True)
            loan.node, found = at.node, True
            m.state.cells[source] = tuple(  # type: ignore[index]
                one._replace(loan=loan, write=write) if one.obj is ref.obj and one.write is None else one
                for one in held
            )
        at = at.parent
    return found


def _is_given_out(m: Machine, ref: Ref, loan: Loan, holder: Holder | None, write: Write) -> bool:
    """Whether `b += x` writes an array that a method of another object has given out, and b is read afterwards."""
    within = m.frame
    while within is not None and within.number != loan.frame:
        within = within.parent
    returned = loan.frame != 0 and within is None
    kept = isinstance(loan.source, tuple) and loan.source[0].kind == "instance" and ref.obj.kind in TENSORS
    target: ast.expr | None = write.node.target if isinstance(write.node, ast.AugAssign) else None
    while isinstance(target, ast.Attribute):
        target = target.value
    if not returned or not kept or holder == loan.source or not isinstance(target, ast.Name):
        return False
    if means_to_change(m.function.name, target.id):
        return False
    reads = (one for one in m.function.scope.of(ast.Name) if one.id == target.id and one.ctx.__class__ is ast.Load)
    return any(one.lineno > target.lineno for one in reads)


def _mark_inside(m: Machine, ref: Ref, loan: Loan, write: Write) -> None:
    """Note at the attribute of an object that what it gave out was written from outside."""
    source = loan.source
    assert source is not None
    held = m.state.cells.get(source, ())
    m.state.cells[source] = tuple(
        one._replace(loan=loan, write=write, must=len(held) == 1 and write.certain)
        if one.write is None and m.state.overlap(one.obj, ref.obj) is MUST
        else one
        for one in held
    )


def _watched_replaced(m: Machine, ref: Ref, name: object, op: ops.Op) -> None:
    """Note that an object which a compiled function or a second data set reads got another part."""
    if not m.watching:
        return
    write = wrote(m, "replace", f".{name} = …" if isinstance(op, ops.SetAttr) else "[…] = …")
    cells = m.state.cells
    own = m.sources.get(op.obj) if isinstance(op, ops.SetAttr | ops.SetItem) else None
    for holder, value in list(cells.items()):
        if holder == own or not any(one.obj is ref.obj and one.write is None for one in value):
            continue
        cells[holder] = tuple(
            one._replace(write=write)
            if one.obj is ref.obj and one.loan is not None and one.loan.relation in ("traced", "subset")
            and one.write is None
            else one
            for one in value
        )  # fmt: skip


def _used_after(m: Machine, ref: Ref, node: ast.AST) -> None:
    """Note the use of an object that was moved, donated or gone through."""
    write = ref.write
    same = write is not None and write.node is m.op.node and not _by_rounds(m, ref.obj, write)
    if write is None or ref.obj.summary or (same and (m.frame is None or write.call is m.frame.call)):
        return
    if write.sort == "consumed":
        reads_data = isinstance(m.op, ops.Read) or _is_next(m.op)
        if reads_data or ops.contradictory(write.conditions, m.op.conditions):
            # `next` says itself that nothing more comes; the truth of an iterator takes nothing from it.
            return
        sites = (m.frame.call, write.call) if same and m.frame is not None else (node, write.node)
        note(m, "iterator-consumed", *sites, ref.obj.node)
    else:
        rule = "donated-value-used" if write.sort == "donated" else "use-after-move"
        note(m, rule, node, write.node, detail=write.sort)


def _by_rounds(m: Machine, obj: Obj, write: Write) -> bool:
    """Whether each round of a loop goes with one call or test through an iterator that was made before the loop."""
    made = isinstance(obj.node, ast.Call | ast.GeneratorExp) and write.sort == "consumed"
    read = isinstance(obj.node, ast.Call) and last_name(obj.node.func) in ("open", "iter")
    if not made or read or not m.repeating or obj.summary:
        return False
    return m.levels.get(m.state.fresh.get(obj, 0), 0) < m.levels.get(m.block, 0)


def _item_replaced(m: Machine, ref: Ref, op: ops.SetItem) -> None:
    """Note an item of a list that is bound anew while another name keeps the list: `best = tour; tour[i] = x`."""
    if ref.obj.kind != "list" or op.augmented or ref.obj.summary:
        return
    own, write = m.sources.get(op.obj), wrote(m, "write", "[…] = …")
    for holder, value in m.state.cells.holding(ref.obj):
        if holder != own and any(_keeps(one, ref.obj) for one in value):
            m.state.cells[holder] = tuple(
                one._replace(write=write) if one.write is None and _keeps(one, ref.obj) else one for one in value
            )


def _keeps(ref: Ref, obj: Obj) -> bool:
    """Whether a reference to an object has the name of what stays as it was."""
    return ref.obj is obj and ref.loan is not None and KEPT.search(ref.loan.name) is not None


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    """Keep the variables that are written through, and note writes to objects that were given up."""
    if isinstance(holder, tuple) and isinstance(holder[1], str):
        m.written_names.add(holder[1])
    if isinstance(holder, str):
        m.written_names.add(plain(holder))
        m.through.setdefault((ref.obj, holder), write)
    if ref.write is not None and ref.write.sort in GONE and ref.write.sort != "consumed":
        used_after(m, ref, m.op.node)


def _drop_deliberate(m: Machine) -> None:
    """Drop conflicts of `d = r = ...` that is written through one name only: the other is then meant to follow."""
    m.findings.drop(lambda conflict: _deliberate(m, conflict))


def _deliberate(m: Machine, conflict: Conflict) -> bool:
    loan = conflict.loan
    if loan.relation != "chain" or all(loan is not own for own in m.loans.values()):
        return False
    by_name = isinstance(conflict.write.node, ast.AugAssign)
    source = loan.source[1] if isinstance(loan.source, tuple) else loan.source
    source = plain(source) if isinstance(source, str) else source
    return not by_name and not {loan.name, source} <= m.written_names


KEEPING = Events(
    written=(_written,), by_name=(_marked_by_name,), captured=(_stored_again,), replaced=(_watched_replaced,),
    placed=(_item_replaced,), gone=(_used_after,), finished=(_drop_deliberate,),
)  # fmt: skip


def _is_meant(source: Holder, holder: Holder | None) -> bool:
    """Whether a write through a second name is likely to be intended for the cell that the name was read from."""
    if isinstance(source, tuple) and source[0].kind in OBJECTS and isinstance(holder, tuple):
        # From one attribute to another.
        return source[0] is not holder[0]
    if isinstance(source, tuple):
        return source[0].kind == "iterator" or source[0].text != "display" or not isinstance(source[1], str)
    return not isinstance(source, str)


def _is_next(op: ops.Op) -> bool:
    return isinstance(op.node, ast.Call) and isinstance(op.node.func, ast.Name) and op.node.func.id == "next"
