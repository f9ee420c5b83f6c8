"""Statements over modules, buffers, optimizers, state_dicts, copies, saving, hooks and functions of one's own.

Modules are m0 … m2, optimizers o0 and o1, state_dicts s0 and s1; the other names are those of the plain kind.
"""

from __future__ import annotations

import torch

from tests.torch.law.templates import FIELD, Templates, table
from tests.torch.law.wide import PRELUDE, ROWS

TABLE = table("models.txt")
OF_MODELS = PRELUDE + """
nn = torch.nn
from functools import partial
def checkpoint(*a, **o):
    return torch.utils.checkpoint.checkpoint(*a, **o)
def set_up(m):
    with torch.no_grad():
        for k, p in enumerate(m.parameters()):
            p.copy_((torch.arange(p.numel()) * 1.7 + k).cos().view(p.shape) * 0.5)
    return m
def loss(y):
    return (y ** 2).sum() if torch.is_tensor(y) else sum((q ** 2).sum() for q in y)
def first(m):
    return next(q for q in m.modules() if isinstance(q, nn.Linear))
def inner(m, x, rate=0.1):
    named = dict(m.named_parameters())
    grads = torch.autograd.grad(loss(m(x)), list(named.values()), create_graph=True, allow_unused=True)
    fast = {k: p if g is None else p - rate * g for (k, p), g in zip(named.items(), grads)}
    return loss(torch.func.functional_call(m, fast, (x,)))
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
        self.b.weight = self.a.weight
    def forward(self, x):
        return self.b(self.a(x).tanh())
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.scale = nn.Linear(3, 3), nn.Parameter(torch.ones(3))
        self.register_buffer('count', torch.zeros(()))
        self.register_buffer('mean', torch.zeros(3))
    def forward(self, x):
        y = self.layer(x) * self.scale
        if self.training:
            self.count += 1
            self.mean.mul_(0.9).add_(y.detach().mean(0), alpha=0.1)
        return y - self.mean
class Ring(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(3, 3)
        self.register_buffer('kept', torch.zeros(4, 3))
        self.at = 0
    def forward(self, x):
        h = x
        for _ in range(2):
            h = torch.tanh(self.cell(h) + h)
        self.kept[self.at % 4] = h.detach()[0]
        self.at += 1
        return h + self.kept.sum(0)
class Half(nn.Module):
    def forward(self, w):
        return w / 2
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return 2 * x * g
class Copied(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        return g.mul_(2)
class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, s):
        ctx.s = s
        return x.round()
    @staticmethod
    def backward(ctx, g):
        return g * ctx.s, None
class Nothing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y
    @staticmethod
    def backward(ctx, g):
        return None, g
class Pair(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        a, b = x * 2, x > 0
        ctx.mark_non_differentiable(b)
        return a, b
    @staticmethod
    def backward(ctx, g, _):
        return g * 2
class Written(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)
    @staticmethod
    def backward(ctx, g):
        return g * 2
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x
    @staticmethod
    def backward(ctx, g):
        return -g
class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()
    @staticmethod
    def backward(ctx, g):
        return g
"""


class Models(Templates):
    """Statements of modules, some of many operations, and those of the plain kind."""

    prelude = OF_MODELS
    rows = ROWS["rows"]
    plain = 0.5

    def stmt(s):
        modules, optimizers = s.named("m"), s.named("o")
        if not modules or s.r.random() < 0.04:
            return s.of_models(s.r.choice(TABLE["makers"])) or s.of_models(TABLE["makers"][0])
        if not optimizers or s.r.random() < 0.04:
            return s.of_models(s.r.choice(TABLE["optimizers"])) or super().stmt()
        if s.all and s.r.random() < 0.7:
            return s.of_models(s.r.choice(TABLE["rows"])) or super().stmt()
        return super().stmt()

    def named(s, letter):
        return [name for name in s.W.names if name[0] == letter and name[1:].isdigit()]

    def of_models(s, template):
        """A template with its fields filled, as in ``Templates``, where {m} is a module."""
        s.k = s.pick(lambda t: t.dtype.is_floating_point)
        s.t = s.get(s.k) if s.k else torch.zeros(())
        target = re_target(template)
        found = {}
        for name in FIELD.findall(template):
            if name not in found:
                found[name] = s.field_of_models(name, name == target)
                if found[name] is None:
                    return None
        made = FIELD.sub(lambda m: found[m[1]], template.replace(f"{{{target}}} =", f"{found.get(target)} =", 1))
        return made.replace("{{", "{").replace("}}", "}")

    def field_of_models(s, name, is_target):
        letter = name[0]
        if name in ("m", "m2", "o", "o2", "s"):
            known = s.named(letter)
            if is_target and (not known or s.r.random() < 0.5):
                return f"{letter}{s.r.randrange(3 if letter == 'm' else 2)}"
            return s.r.choice(known) if known else None
        if name == "l":
            return s.pick(lambda t: t.requires_grad and t.is_leaf)
        if name == "i":
            fits = s.pick(lambda t: t.shape == (2, 3) and t.dtype == torch.float64)
            made = s.r.choice(["torch.ones(2, 3)", f"torch.tensor({s.lit((2, 3))})"])
            return fits if fits and s.r.random() < 0.6 else made
        return getattr(s, f"field_{name}")() if s.k or name in "xy" else None


def re_target(template):
    """Field that a template assigns; None if it assigns none."""
    head = template.split("} =", 1)
    return head[0][1:] if len(head) == 2 and head[0].startswith("{") and head[0][1:].isalnum() else None
