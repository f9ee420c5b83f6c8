"""Classes of a program's own: subclasses of a tensor, and objects that say themselves what a function of them is."""

import torch
import torch.nn.functional as F
from torch.overrides import handle_torch_function, has_torch_function, is_tensor_like


class Named(torch.Tensor):
    @staticmethod
    def __new__(cls, x, extra=None, *args, **kwargs):
        return super().__new__(cls, x, *args, **kwargs)

    def __init__(self, x, extra=None):
        self.extra = extra

    def clone(self, *args, **kwargs):
        return Named(super().clone(*args, **kwargs), self.extra)


class Image(torch.Tensor):
    pass


class Short(Image):
    def __repr__(self):
        return "Short"


class Logged(torch.Tensor):
    calls = []  # noqa: RUF012

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})


class Units:
    def __init__(self, value, unit):
        self.value, self.unit = value, unit

    def __repr__(self):
        return f"{self.value.tolist()}{self.unit}"

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.exp:
            return NotImplemented

        def plain(a):
            return a.value if isinstance(a, Units) else [plain(b) for b in a] if isinstance(a, list) else a

        unit = next((a.unit for a in args if isinstance(a, Units)), "?")
        return Units(func(*[plain(a) for a in args], **(kwargs or {})), unit)


def kinds(*xs):
    print(*[type(x).__name__ for x in xs])


m = Named([[1, 2.0], [3, 4]], "e")
print(m, m.extra, m.clone().extra, m.sum().item())
kinds(m[0], m.sum(), m.T, m.shape, m.tolist())
i = torch.arange(6.0).view(2, 3).as_subclass(Image)
kinds(i * 2, 2 * i, torch.ones(2, 3) + i, i.view(-1), *i.chunk(2), i.max(1).values, i.detach())
kinds(torch.stack([i, i]), F.relu(i), torch.relu(i), torch.add(torch.ones(2, 3), i), torch.ones(1))
w = torch.ones(3, requires_grad=True)
(w.as_subclass(Image) * 2).sum().backward()
print(w.grad, type(w.grad).__name__)
i += 1
i[0] = 0
print(i, torch.Tensor._make_subclass(Image, torch.ones(2)), torch.ones(1).as_subclass(Short))
kinds(torch.ones(1).as_subclass(Short) + i[0, 0], torch.nn.Parameter(torch.ones(2)) + 1, Image([1.0, 2.0]))
x = torch.ones(2).as_subclass(Logged)
kinds(torch.add(x, 1), torch.ones(2) * x, x.exp())
print("add" in Logged.calls, "exp" in Logged.calls)
q = Units(torch.tensor([1.0, 2.0]), "m")
print(torch.add(q, 1), torch.cat([q, q]), torch.sum(q), torch.mul(torch.ones(2), q), torch.clamp(q, min=1.5), F.relu(q))
print(torch.matmul(torch.eye(2), q), torch.where(torch.tensor([True, False]), q, torch.zeros(2)), torch.ones(2) * q)
for f in (lambda: torch.exp(q), lambda: torch.cos(object())):
    try:
        f()
    except TypeError as error:
        print(type(error).__name__)


def twice(x):
    return handle_torch_function(twice, (x,), x) if has_torch_function((x,)) else x


print(has_torch_function((q,)), has_torch_function((torch.ones(1),)), is_tensor_like(q), twice(3))
