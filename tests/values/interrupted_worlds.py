"""Programs to be interrupted: training steps, writes, loans, hooks, transforms, modules, contexts, draws, batches."""

from __future__ import annotations

from typing import Any

import tenure as tn
from tenure import nn, optim
from tenure.data import DataLoader, TensorDataset
from tests.values.interrupting import World

X = tn.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


class Training(World):
    """A step of a model with an optimizer."""

    def optimizer(self, params: Any) -> Any:
        """The optimizer."""
        return optim.SGD(params, lr=0.1, momentum=0.9)

    def make(self) -> None:
        self.model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        for k, p in enumerate(self.model.parameters()):
            p.data = tn.arange(p.numel(), dtype=tn.float32).reshape(p.shape) * 0.1 + k
        self.places = list(self.model.parameters())
        self.opt = self.optimizer(self.places)
        self.step()

    def step(self) -> None:
        """One step."""
        self.opt.zero_grad()
        loss = self.model(X).sum()
        loss.backward()
        self.note()
        self.opt.step()
        self.note()

    def run(self) -> None:
        for _ in range(2):
            self.step()
        self.places[0].tolist()

    def state(self) -> Any:
        return self.opt.state_dict()

    def restore(self, values: list[Any], state: Any) -> None:
        super().restore(values, state)
        self.opt.load_state_dict(state)


class PlainSGD(Training):
    def optimizer(self, params: Any) -> Any:
        return optim.SGD(params, lr=0.1)


class FirstMomentum(Training):
    """The first step, which makes the buffers."""

    def make(self) -> None:
        super().make()
        self.opt = self.optimizer(self.places)


class Adam(Training):
    def optimizer(self, params: Any) -> Any:
        return optim.Adam(params, lr=0.1)


class FirstAdam(FirstMomentum):
    def optimizer(self, params: Any) -> Any:
        return optim.Adam(params, lr=0.1)


class AdamW(Training):
    def optimizer(self, params: Any) -> Any:
        return optim.AdamW([{"params": params[:2]}, {"params": params[2:], "lr": 0.01}], lr=0.1)


class RMSprop(FirstMomentum):
    def optimizer(self, params: Any) -> Any:
        return optim.RMSprop(params, lr=0.1, momentum=0.5)


class Closure(Training):
    """step(closure), under no_grad."""

    def step(self) -> None:
        def closure() -> Any:
            self.opt.zero_grad(set_to_none=False)
            loss = self.model(X).sum()
            loss.backward()
            return loss

        self.note()
        with tn.no_grad():
            self.opt.step(closure)
        self.note()


class Accumulated(Training):
    """Two backwards before a step, hooks on the way, gradients that are kept."""

    def make(self) -> None:
        super().make()
        self.calls = 0

        def hook(g: Any) -> Any:
            self.calls += 1
            return g * 0.5

        self.places[0].register_hook(hook)
        self.model[0].register_forward_hook(lambda m, args, out: out * 1.5)
        self.model[2].register_full_backward_hook(lambda m, gi, go: None)
        self.model[2].register_forward_pre_hook(lambda m, args: (args[0] + 1,))

    def step(self) -> None:
        self.opt.zero_grad()
        for rows in (X, X * 2):
            hidden = self.model[0](rows)
            hidden.retain_grad()
            loss = self.model[2](hidden).sum()
            loss.backward(retain_graph=True)
        self.note()
        self.opt.step()
        self.note()


class NewPrograms(World):
    """Every run is of another size: nothing of it is known."""

    size = 10

    def make(self) -> None:
        NewPrograms.size += 1
        self.w = tn.ones(3, requires_grad=True)
        self.places = [self.w]
        self.x = tn.ones(NewPrograms.size, 3)

    def run(self) -> None:
        w = self.w
        w.grad = None
        loss = (self.x * w).tanh().sum(axis=0).sum()
        loss.item()
        loss.backward()
        self.note()
        w.data -= w.grad / NewPrograms.size * 0 + 0.5
        self.note()
        w.tolist()

    def results(self) -> Any:
        return self.w.tolist()


class Writes(World):
    """Writes of places by index, in place, through borrows."""

    def make(self) -> None:
        self.v = tn.arange(6, dtype=tn.float32).reshape(2, 3).mut()
        self.u = tn.zeros(4).mut()
        self.w = tn.tensor([1.0, 2.0], requires_grad=True)
        self.places = [self.v, self.u, self.w]

    def run(self) -> None:
        v, u, w = self.v, self.u, self.w
        for write in (
            lambda: v.__setitem__((0, slice(None)), 7.0),
            lambda: v.__iadd__(1.0),
            lambda: v.mul_(2.0),
            lambda: v.data[1].copy_(tn.ones(3)),
            lambda: v.data.__setitem__((slice(None), [0, 2]), -1.0),
            lambda: v.data[0].zero_(),
            lambda: u.__setitem__(slice(1, 3), w.detach()),
            lambda: setattr(w, "data", w.data * 2),
            lambda: setattr(u, "data", u.data + 1),
            lambda: u.fill_(3.0),
            lambda: u.index_add_(0, tn.tensor([0, 1]), tn.ones(2)),
        ):
            self.note()
            write()
        self.note()
        (u.sum() + v.sum()).item()


class Loans(World):
    """Shared and exclusive loans, of wholes and of parts."""

    def make(self) -> None:
        self.v = tn.arange(6, dtype=tn.float32).mut()
        self.w = tn.tensor([1.0, 2.0], requires_grad=True)
        self.places = [self.v, self.w]

    def run(self) -> None:
        v, w = self.v, self.w
        self.note()
        with v.borrow() as t, w.borrow() as s:
            (t.sum() + s.sum()).item()
        with v.borrow_mut() as m:
            m[0] = 5.0
        self.note()
        with v.borrow_mut() as m, m[1:].borrow_mut() as part:
            part += 1
        self.note()
        with v.borrow(), v.borrow():
            pass
        with w.borrow_mut() as m:
            m.mul_(2.0)
        self.note()
        with v.split_at_mut(3) as (a, _):
            a.zero_()
        self.note()
        v.sum().item()


class Hooks(World):
    """Hooks that are registered and removed, by ``with`` too."""

    def make(self) -> None:
        self.w = tn.tensor([1.0, 2.0], requires_grad=True)
        self.places = [self.w]

    def run(self) -> None:
        w = self.w
        with w.register_hook(lambda g: g * 2):
            w.grad = None
            (w * w).sum().backward()
        w.grad = None
        (w * w).sum().backward()
        with tn.no_grad():
            w -= w.grad
        self.note()

    def state(self) -> Any:
        return len(self.w._leaf.hooks)

    def restore(self, values: list[Any], state: Any) -> None:
        super().restore(values, state)
        for _ in range(state):  # one that was registered as the interrupt came
            self.w.register_hook(lambda g: g * 2)


@tn.custom_vjp
def cubed(x: Any) -> Any:
    """A function with its own rule."""
    return x * x * x


cubed.defvjp(lambda x: (x * x * x, x), lambda x, g: (g * 3 * x * x,))


class Transforms(World):
    """grad, vjp, jvp, vmap, Jacobians, checkpoints, rules."""

    def make(self) -> None:
        self.v = tn.zeros(5).mut()
        self.x = tn.tensor([1.0, 2.0, 3.0])
        self.places = [self.v]

    def f(self, x: Any) -> Any:
        """The function."""
        return (x * x.sin()).sum()

    def run(self) -> None:
        x, f, v = self.x, self.f, self.v
        for k, number in enumerate(self.numbers(x, f)):
            v[k % 5] = number
            self.note()

    def numbers(self, x: Any, f: Any) -> Any:
        """Results of transforms."""
        yield tn.grad(f)(x).sum()
        out, pull = tn.vjp(lambda x: x * x, x)
        yield pull(out)[0].sum()
        yield tn.jvp(f, (x,), (x,))[1]
        yield tn.value_and_grad(f)(x)[0]


class Mapped(Transforms):
    """vmap and Jacobians."""

    def numbers(self, x: Any, f: Any) -> Any:
        rows = X.clone()
        yield tn.vmap(lambda r: (r * r).sum())(rows).sum()
        yield tn.vmap(tn.grad(lambda r: (r * r * r).sum()))(rows).sum()
        yield tn.jacrev(lambda x: x * x)(x).sum()
        yield tn.jacfwd(lambda x: x * x)(x).sum()
        yield tn.hessian(f)(x).sum()


class Rules(Transforms):
    """Checkpoints, rules, and gradients of both."""

    def numbers(self, x: Any, f: Any) -> Any:
        yield tn.grad(tn.checkpoint(f))(x).sum()
        yield tn.grad(lambda x: cubed(x).sum())(x).sum()
        yield tn.vmap(tn.grad(lambda x: cubed(x).sum()))(X).sum()
        w = x.mut().requires_grad_()
        tn.checkpoint(f, w).backward()
        yield w.grad.sum()


class Functional(Training):
    """functional_call, training and evaluation modes, moving averages."""

    def step(self) -> None:
        model = self.model.eval()
        named = {name: p.value * 2 for name, p in model.named_parameters()}
        out = tn.func.functional_call(model, named, (X,))
        model.train()
        self.note()
        with tn.no_grad():
            self.places[0].copy_(self.places[0] + out.sum() * 0.001)
        self.note()


class Contexts(World):
    """no_grad, enable_grad, eager, strict, by ``with``, as decorators and in generators."""

    def make(self) -> None:
        self.w = tn.tensor([1.0, 2.0], requires_grad=True)
        self.places = [self.w]

    def run(self) -> None:
        w = self.w

        @tn.no_grad()
        def plain(x: Any) -> Any:
            return x * 2

        @tn.no_grad()
        def turns() -> Any:
            for _ in range(2):
                yield (w * 2).requires_grad

        def waits() -> Any:
            with tn.no_grad():
                yield w * 3
                yield w * 4

        with tn.no_grad():
            assert not (w * 2).requires_grad
            with tn.enable_grad():
                assert (w * 2).requires_grad
            w += 1.0
        self.note()
        with tn.eager(), tn.set_grad_enabled(False):
            (w * 2).sum()
        assert not plain(w).requires_grad
        assert not any(turns())
        assert not any(y.requires_grad for y in waits())
        with tn.strict():
            w.data *= 0.5
        self.note()
        (w * w).sum().item()


@tn.checked
def shifted(x: tn.Ref[tn.Tensor], out: tn.Mut[tn.Tensor], more: tn.Own[tn.Tensor]) -> Any:
    """Reads, writes, consumes."""
    out += x + more
    return out


@tn.checked
def halves(out: tn.Mut[tn.Tensor]) -> Any:
    """A generator that has a loan."""
    for k in range(2):
        out[k] = 9.0
        yield k


class Checked(World):
    """Checked functions and generators."""

    def make(self) -> None:
        self.v, self.u = tn.ones(3).mut(), tn.zeros(3).mut()
        self.places = [self.v, self.u]

    def run(self) -> None:
        self.note()
        assert shifted(self.v, self.u, tn.ones(3) * 2) is self.u
        self.note()
        for _ in halves(self.v):
            pass
        self.note()
        (self.u + self.v).tolist()


class Draws(World):
    """Random numbers, dropout, shuffled batches."""

    def make(self) -> None:
        self.generator = tn.Generator(1)
        self.v = tn.zeros(4).mut()
        self.places = [self.v]
        self.data = DataLoader(TensorDataset(tn.arange(4)), batch_size=2, shuffle=True, generator=self.generator)

    def run(self) -> None:
        v, g = self.v, self.generator
        v.copy_(tn.rand(4, generator=g))
        self.note()
        v += tn.randn(4, generator=g)
        self.note()
        for (batch,) in self.data:
            v[:2] = batch.to(tn.float32)
            self.note()
        nn.functional.dropout(v, 0.5).sum().item()
        tn.randperm(3, generator=g).tolist()

    def state(self) -> Any:
        return self.generator.get_state()

    def restore(self, values: list[Any], state: Any) -> None:
        super().restore(values, state)
        self.generator.set_state(state)


WORLDS = [
    Training, PlainSGD, FirstMomentum, Adam, FirstAdam, AdamW, RMSprop, Closure, Accumulated, NewPrograms, Writes,
    Loans, Hooks, Transforms, Mapped, Rules, Functional, Contexts, Checked, Draws,
]  # fmt: skip
