"""Scheduling: the stored values that share a kernel, and the order of kernels.

    m = reduce_max x; e = exp (x - m); s = reduce_sum e; y = e / s      becomes
    kernel 0: stores y; keeps m e s; reads x; row by row

A kernel goes row by row if it holds a reduction along the last axes. Elementwise values over the same rows join it,
values that are single in a row, more such reductions, and sums over all rows (in the blocks that ``simplify`` made).
What only its own kernel reads is not stored. Values join greedily, in the program's order, within a window.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import replace
from math import prod
from typing import Any

from tenure.compile.index import Affine, Unseen, address, reshaped
from tenure.compile.nests import in_one_loop, merge
from tenure.compile.plan import Domain, Kernel, Member, Plan, identity, instruction
from tenure.compile.ranges import bounds_of, reads_by
from tenure.compile.stored import Follower, of_one_form
from tenure.compile.stores import SCRATCH, heavy_leaves, long_rows
from tenure.compile.symbolic import Except, unmerged
from tenure.ir.kind import Role
from tenure.ir.program import Program
from tenure.ops.order import HEIGHT, extent

WINDOW = 8
"""The number of last kernels that a value may join without depending on them."""
MOST = 200
"""Elements that a kernel computes for each of its own: compiling takes more than in proportion to its length, and
like kernels are compiled once."""
REACH = 64
"""The distance over which kernels are moved behind each other."""
SHORT = 8
"""Rows shorter than this are not worth to take an elementwise kernel along."""
SMALL = 1 << 15
"""Elements that one thread does as fast as several."""
FEW = 16
"""Rows, or blocks of rows, that still share out well."""
PHASES = 6
"""Passes over one row, of which each waits for the former: more are slower than a store and a load between."""
MEMBERS = 64
"""Values of one kernel; larger functions take LLVM more than their share of time."""


class Apart(Exception):
    """Two values cannot share a kernel."""


def member(program: Program, domain: Domain, v: int) -> Member | None:
    """The role that a value could have in a kernel over a domain."""
    at = instruction(program, v)
    shape, cut = domain
    xs = [program.aval(o).shape for o in at.operands]
    role = at.primitive.lower.role(at.aval, xs, at.params, prod(shape[:cut]), prod(shape[cut:]))
    if role is Role.ALONE:
        return None
    outer = shape[:cut] if role is Role.SINGLE else shape
    index = reshaped(identity(outer), outer, xs[0] if reduces(role) else at.aval.shape)
    return None if index is None else Member(role, index, set())


def reduces(role: Role) -> bool:
    """Whether a member is computed from its first operand's elements, one after the other."""
    return role in (Role.FOLD, Role.COLUMN)


def many(domain: Domain) -> bool:
    """Whether there are several rows."""
    return prod(domain.shape[: domain.cut]) > 1


def over_rows(kernel: Kernel) -> bool:
    """Whether a kernel is a sum over rows and no more."""
    return all(m.role is Role.COLUMN for m in kernel.members.values())


def columns_of(program: Program, kernel: Kernel) -> tuple[Any, ...]:
    """The key of sums over rows that may go side by side; None for any other kernel."""
    at = instruction(program, kernel.values[0])
    if not at.primitive.lower.reduces or not (over_rows(kernel) or kernel.domain is None):
        return ()
    if not of_one_form(program, kernel.values):
        return ()
    shape = program.aval(at.operands[0]).shape
    inner = extent(shape, at.params["axes"])[2]
    return (shape, at.params["axes"], at.params.get("block"), at.aval) if inner > 1 and at.aval.size else ()


def own_domain(program: Program, v: int) -> Domain | None:
    """The domain of a reduction by itself, if it has one."""
    at = instruction(program, v)
    found = at.primitive.lower.domain(program.aval(at.operands[0]).shape, at.params) if at.operands else None
    domain = None if found is None else Domain(*found)
    return domain if domain is not None and member(program, domain, v) else None


class Joiner(Follower):
    """Follows a value beside the members of a kernel, which it may read only at the kernel's own index."""

    def __init__(self, program: Program, stored: Container[int], kernel: Kernel, domain: Domain) -> None:
        super().__init__(program, stored)
        self.kernel = kernel
        self.found: set[int] = set()
        shape, cut = domain
        single = address(identity(shape[:cut]), shape[:cut])
        self.own = {Role.ROW: address(identity(shape), shape), Role.SINGLE: single, Role.FOLD: single}

    def at(self, x: int, index: Any) -> Any:
        found = self.kernel.members.get(x)
        if found is None:
            return super().at(x, index)
        where = index if isinstance(index, Affine) else address(index, self.shape(x))
        if where != self.own.get(found.role) or (self.kernel.domain is None and where is index):
            raise Apart  # read elsewhere; or in another shape, and an elementwise kernel keeps no row of it
        self.found.add(x)
        return None


class Scheduler:
    """Kernels in order, ``home`` of each value that one computes."""

    def __init__(self, program: Program, stored: set[int], late: Collection[int] = ()) -> None:
        self.program = program
        self.stored = stored
        self.late = late
        self.indices = {bound.value for at in program.instructions if reads_by(at) for bound in bounds_of(program, at)}
        self.order: list[Kernel] = []
        self.home: dict[int, Kernel] = {}

    def add(self, v: int) -> None:
        """Compute a value in a kernel that is there, or in one of its own."""
        alone = Follower(self.program, self.stored)
        alone.follow(v)
        lower = instruction(self.program, v).primitive.lower
        if lower.joins and v not in self.late:
            homes = self.merged({self.home[r] for r in alone.reads if r in self.home}, v)
            recent = set(self.order[-WINDOW:])
            for kernel in sorted(homes | recent, key=lambda k: (k in homes, k.place), reverse=True):
                if self.join(kernel, v):
                    return
        self.home[v] = self.kernel(v, alone)
        self.order.append(self.home[v])

    def kernel(self, v: int, alone: Follower) -> Kernel:
        """A kernel of one value."""
        shape, domain = self.program.aval(v).shape, own_domain(self.program, v)
        plain = Member(Role.ROW, identity(shape), set()) if is_element(self.program, v) else None
        first = plain or (member(self.program, domain, v) if domain else None) or Member(Role.ALONE, (), set())
        return Kernel([v], alone.reads, {v: first}, domain, alone.forms, len(self.order), len(alone.memo))

    def merged(self, homes: set[Kernel], v: int) -> set[Kernel]:
        """The kernels that a value reads; those that go over the same rows as the value become one, if they can.

        Sums of everything stay apart: what waits for one of them need not wait for another.
        """
        alike = [k for k in homes if k.domain and many(k.domain) and member(self.program, k.domain, v)]
        alike.sort(key=lambda k: k.place)
        for k in alike[1:]:
            if self.merge(alike[0], k):
                homes = homes - {k}
        return homes

    def merge(self, kernel: Kernel, other: Kernel) -> bool:
        """Compute the members of a later kernel in an earlier one, all or none."""
        before, order = replace(kernel, members=dict(kernel.members)), list(self.order)
        for v in other.members:
            if not self.join(kernel, v, willing=True):
                kernel.__dict__.update(before.__dict__)
                self.order = order
                for place in range(before.place, min(before.place + REACH * len(other.members) + 1, len(order))):
                    order[place].place = place
                for u in other.members:
                    self.home[u] = other
                return False
        self.remove(other)
        return True

    def join(self, kernel: Kernel, v: int, willing: bool = False) -> bool:
        """Compute a value in a kernel, if that can be and (unless one is willing anyway) pays."""
        domain = kernel.domain or self.common_domain(kernel, v)
        found = None if domain is None else member(self.program, domain, v)
        if domain is None or found is None:
            return False
        tracer = Joiner(self.program, Except(self.stored, (v,)), kernel, domain)
        try:
            tracer.at(instruction(self.program, v).operands[0] if reduces(found.role) else v, found.at)
        except (Apart, Unseen):
            return False
        if tracer.found & self.indices:
            return False  # an index is checked when its kernel has run, and nothing reads by it before
        if kernel.size + len(tracer.memo) > MOST or not (willing or self.pays(kernel, domain, found.role, tracer)):
            return False
        if not self.fits(kernel, domain, found.role, tracer.forms):
            return False
        known = [kernel.members[r].phase + (kernel.members[r].role is Role.FOLD) for r in tracer.found]
        found = found._replace(reads=tracer.found, phase=max(known, default=0))
        if found.phase > PHASES or len(kernel.members) >= MEMBERS:
            return False
        if not self.move_behind(kernel, tracer.reads):
            return False
        if found.role is not Role.ROW:
            kernel.domain = domain
        kernel.values = [*kernel.values, v]
        kernel.members[v] = found
        kernel.reads = kernel.reads | tracer.reads
        kernel.forms = kernel.forms | tracer.forms
        kernel.size += len(tracer.memo)
        self.home[v] = kernel
        return True

    def common_domain(self, kernel: Kernel, v: int) -> Domain | None:
        """The domain of an elementwise kernel if a value of its shape, or a reduction of one, joined it."""
        program, head, at = self.program, kernel.values[0], instruction(self.program, v)
        if not is_element(program, head) or unmerged(program, self.stored, head) != head:
            return None
        shape = program.aval(head).shape
        if at.primitive.lower.inline:
            return Domain(shape, len(shape)) if at.aval.shape == shape else None
        domain = own_domain(program, v)
        return domain if domain is not None and domain.shape == shape and prod(shape[domain.cut :]) >= SHORT else None

    def pays(self, kernel: Kernel, domain: Domain, role: Role, tracer: Joiner) -> bool:
        """Whether a kernel has use for a value: for one that depends on its members, or reads what it reads and
        waits for no other kernel. A sum over rows is faster by itself than beside what it has nothing to do with."""
        plain = kernel.domain is None and role is Role.ROW
        if tracer.found:
            return True
        parents = {self.home[r] for r in kernel.reads if r in self.home}
        if role in (Role.SINGLE, Role.COLUMN) or over_rows(kernel):
            return False
        if any(self.home[r] not in parents for r in tracer.reads if r in self.home):
            return False
        return plain or self.alike(kernel.reads, tracer.reads, domain.shape)

    def alike(self, some: set[int], others: set[int], shape: tuple[int, ...]) -> bool:
        """Whether anything as large as a shape is read by both."""
        return any(self.program.aval(r).size >= prod(shape) for r in some & others)

    def fits(self, kernel: Kernel, domain: Domain, role: Role, forms: set[Affine]) -> bool:
        """Whether rows stay one loop, and all rows together where something is reduced over them; a kernel of few
        items would leave threads idle."""
        shape, cut = domain
        if kernel.domain is None and role is Role.ROW:
            return True
        every = kernel.forms | forms
        over = role is Role.COLUMN or any(m.role is Role.COLUMN for m in kernel.members.values())
        few = prod(shape) > SMALL and prod(shape[:cut]) < (FEW * HEIGHT if over else FEW)
        if few or (over and 8 * prod(shape[cut:]) > SCRATCH):  # a row of sums is scratch
            return False
        if not in_one_loop(merge(shape, range(cut, len(shape)), every)):
            return False
        return not over or len(merge(shape, range(cut), every)) <= 1

    def share(self) -> None:
        """Join kernels that go over the same rows and read the same."""
        for other in list(self.order):
            if columns_of(self.program, other):
                self.side_by_side(other)
            if other.domain is None or not many(other.domain) or over_rows(other):
                continue
            for kernel in self.order[max(other.place - WINDOW, 0) : other.place]:
                if kernel.domain is None or over_rows(kernel):
                    continue
                alike = self.alike(kernel.reads, other.reads, kernel.domain.shape)
                if alike and all(member(self.program, kernel.domain, v) for v in other.members):
                    self.merge(kernel, other)
                    break

    def side_by_side(self, other: Kernel) -> None:
        """Join sums over rows to others over the same rows, as both go through what they read."""
        form = columns_of(self.program, other)
        for kernel in self.order[max(other.place - WINDOW, 0) : other.place]:
            if columns_of(self.program, kernel) != form or kernel.members.keys() & other.reads:
                continue
            whole = len(merge(form[0], form[1], kernel.forms | other.forms)) == 1
            pays = kernel.size + other.size <= MOST and self.alike(kernel.reads, other.reads, form[0])
            if not pays or not whole or not self.move_behind(kernel, other.reads):
                continue
            kernel.values = [*kernel.values, *other.values]
            kernel.members.update(other.members)
            kernel.reads, kernel.forms = kernel.reads | other.reads, kernel.forms | other.forms
            kernel.size += other.size
            self.home.update(dict.fromkeys(other.members, kernel))
            self.remove(other)
            return

    def remove(self, kernel: Kernel) -> None:
        """Take a kernel out of the order."""
        del self.order[kernel.place]
        for place in range(kernel.place, len(self.order)):
            self.order[place].place = place

    def move_behind(self, kernel: Kernel, reads: set[int]) -> bool:
        """Reorder kernels so that one comes after all that it is to read; False if those depend on it."""
        needed = {self.home[r] for r in reads if r in self.home}
        start, last = kernel.place, max([k.place for k in needed], default=0)
        if last <= start or last - start > REACH:
            return last <= start
        moved: list[Kernel] = [kernel]
        rest: list[Kernel] = []
        for k in self.order[start + 1 : last + 1]:
            (moved if any(self.home.get(r) in moved for r in k.reads) else rest).append(k)
        if any(k in needed for k in moved):
            return False
        self.order[start : last + 1] = rest + moved
        for place in range(start, last + 1):
            self.order[place].place = place
        return True

    def part(self, kernel: Kernel, v: int) -> None:
        """Compute a value right after its kernel."""
        del kernel.members[v]
        alone = Follower(self.program, self.stored)
        alone.follow(v)
        self.home[v] = self.kernel(v, alone)
        self.order.insert(self.order.index(kernel) + 1, self.home[v])

    def plan(self) -> Plan:
        """Kernels with what must be stored; what only its own kernel reads is not."""
        program = self.program
        needed = set(program.outputs)
        for at in program.instructions:
            needed.update([bound.value for bound in bounds_of(program, at)])
        for kernel in self.order:
            needed |= kernel.reads
        stored = set(self.stored)
        for kernel in list(self.order):
            for v in heavy_leaves(program, kernel, self.stored):
                self.part(kernel, v)
                needed |= self.home[v].reads
        for kernel in self.order:
            needed.update(long_rows(program, kernel, needed))
            kernel.values = [v for v in kernel.members if v in needed]
            stored -= kernel.members.keys() - needed
        return Plan(program, stored, [kernel for kernel in self.order if kernel.values])


def is_element(program: Program, v: int) -> bool:
    """Whether a value is computed element by element."""
    return instruction(program, v).primitive.lower.inline
