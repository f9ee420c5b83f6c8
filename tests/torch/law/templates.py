"""Statements from rows of a table: a template, whose fields are filled from the tensors that exist by now.

    {k} a tensor, which the others are about      {m} one of its shape and dtype      {b} one that broadcasts to it
    {d} an axis                                   {n} a number                        {i}, {j} an index, basic or any
    {v} a view of it                              {mask} a mask of its shape          {at} one position along {d} each
    {where} a list of positions along {d}         {x}, {y} names to assign            {o} one of its dtype
    {shape} a shape of as many elements           {g} one that requires grad
"""

from __future__ import annotations

import re
from pathlib import Path

import torch

from tests.torch.law.plain import Statements

KINDS = {
    "": lambda t: True,
    "f": lambda t: t.dtype.is_floating_point,
    "n": lambda t: t.dtype.is_floating_point and t.numel() > 0 and t.ndim > 0,
    "2": lambda t: t.dtype.is_floating_point and t.ndim == 2 and t.numel() > 0,
    "c": lambda t: t.dtype.is_complex,
    "a": lambda t: t.numel() > 0 and t.ndim > 0,
    "g": lambda t: t.requires_grad,
    "G": lambda t: t.grad is not None,
    "l": lambda t: t.requires_grad and t.is_leaf,
    "p": lambda t: type(t) is torch.nn.Parameter,
}
"""What the tensor of a row is: by the first letter of a row."""
FIELD = re.compile(r"(?<!\{)\{(\w+)\}")


def table(name):
    """Rows of a file, by the title above them."""
    parts = re.split(r"(?m)^# ", (Path(__file__).parent / name).read_text(encoding="utf-8"))[1:]
    return {part.splitlines()[0]: part.splitlines()[1:] for part in parts}


class Templates(Statements):
    """Statements of a table, and of the plain kind."""

    rows = ()
    plain = 0.4

    def stmt(s):
        if len(s.all) < 2 or s.r.random() < s.plain:
            return super().stmt()
        for _ in range(30):
            kind, template = s.r.choice(s.rows).split(" ", 1)
            found = s.filled(kind, template)
            if found is not None:
                return found
        return super().stmt()

    def filled(s, kind, template):
        """A template with its fields filled; None if there is nothing for one of them."""
        s.k = s.pick(KINDS[kind.strip("_")])
        if s.k is None:
            return None
        s.t = s.get(s.k)
        s.d = s.r.randrange(s.t.ndim) if s.t.ndim else 0
        found = {}
        for name in FIELD.findall(template):
            if name not in found:
                found[name] = getattr(s, f"field_{name}")()
                if found[name] is None:
                    return None
        return FIELD.sub(lambda m: found[m[1]], template).replace("{{", "{").replace("}}", "}")

    def field_k(s):
        return s.k

    def field_m(s):
        return s.mate(s.t, True)

    def field_b(s):
        return s.mate(s.t)

    def field_o(s):
        return s.pick(lambda u: u.dtype == s.t.dtype)

    def field_g(s):
        return s.pick(lambda u: u.requires_grad and u.dtype.is_floating_point)

    def field_d(s):
        return str(s.d - (s.t.ndim if s.t.ndim and s.r.random() < 0.3 else 0))

    def field_n(s):
        return s.r.choice(["1.", "2", "-1.5", "0.5", "3"])

    def field_i(s):
        return s.index(s.t, False)

    def field_j(s):
        return s.index(s.t)

    def field_v(s):
        return s.viewof(s.k)

    def field_mask(s):
        if s.r.random() < 0.5:
            return f"({s.k} > {s.r.choice(['0', '1', '0.5'])})"
        return f"torch.tensor({s.nested(s.t.shape, lambda: s.r.random() < 0.5)}, dtype=torch.bool)"

    def field_at(s):
        n = s.t.shape[s.d] if s.t.ndim else 1
        if not s.t.ndim or not s.t.numel():
            return None
        positions = [s.r.sample(range(n), n) for _ in range(s.t.numel() // n)]
        shape = (*s.t.shape[: s.d], *s.t.shape[s.d + 1 :], n)
        return f"torch.tensor({positions}).view({', '.join(map(str, shape))}).movedim(-1, {s.d})"

    def field_where(s):
        n = s.t.shape[s.d] if s.t.ndim else 0
        return f"torch.tensor({s.r.sample(range(n), s.r.randrange(1, n + 1))})" if n else None

    def field_x(s):
        return s.fresh()

    def field_y(s):
        return s.fresh()

    def field_shape(s):
        n = s.t.numel()
        shapes = [(n,), (1, n), (n, 1)] + [(a, n // a) for a in (2, 3) if n and n % a == 0] + [(*s.t.shape[::-1],)]
        return ", ".join(map(str, s.r.choice(shapes))) or "1"

    def nested(s, shape, item):
        return item() if not shape else [s.nested(shape[1:], item) for _ in range(shape[0])]
