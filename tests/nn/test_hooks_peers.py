"""Hooks of every kind are called as PyTorch calls them: the same programs with both libraries leave the same log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure.nn.modules import module as everywhere

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
Log = list[Any]


def plain(x: Any) -> Any:
    """Nested results as Python numbers."""
    if isinstance(x, tuple | list):
        return [plain(y) for y in x]
    return x.tolist() if hasattr(x, "tolist") else x


def network(lib: Any) -> Any:
    """Two layers with equal weights."""
    net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Sequential(lib.nn.Linear(2, 1, bias=False)))
    for p in net.parameters():
        lib.nn.init.constant_(p, 0.5)
    return net


def hooks_of_all(lib: Any, module: Any, log: Log) -> None:
    net = network(lib)
    handles = [
        net[0].register_forward_hook(lambda m, a, y: log.append(("own", type(m).__name__))),
        module.register_module_forward_pre_hook(lambda m, a: log.append(("all pre", type(m).__name__, plain(a)))),
        module.register_module_forward_hook(lambda m, a, y: log.append(("all", type(m).__name__, plain(y)))),
        net[0].register_forward_pre_hook(lambda m, a: (a[0] + 1,)),
        module.register_module_full_backward_hook(lambda m, gi, go: log.append(("all back", plain(gi), plain(go)))),
        module.register_module_full_backward_pre_hook(lambda m, go: log.append(("all back pre", plain(go)))),
        net[1].register_full_backward_hook(lambda m, gi, go: log.append(("own back", plain(gi)))),
        net[1].register_full_backward_hook(lambda m, gi, go: log.append(("first back", plain(gi))), prepend=True),
        net[1].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,)),
        net[1].register_full_backward_pre_hook(lambda m, go: log.append(("pre first", plain(go))), prepend=True),
        module.register_module_forward_hook(lambda m, a, k, y: y * 2, with_kwargs=True),
    ]
    x = lib.tensor([[1.0, 2.0]], requires_grad=True)
    y = net(x)
    for handle in handles:
        handle.remove()
    y.sum().backward()
    log.append((plain(y), plain(x.grad), plain(net[0].weight.grad)))
    log.append(plain(net(x)))


def registrations(lib: Any, module: Any, log: Log) -> None:
    """What modules are given, by attribute and by name, as hooks see it and replace it."""

    def noted(kind: str) -> Any:
        return lambda m, name, given: log.append((kind, type(m).__name__, name, given is None))

    handles = [
        module.register_module_parameter_registration_hook(noted("parameter")),
        module.register_module_buffer_registration_hook(noted("buffer")),
        module.register_module_module_registration_hook(noted("module")),
        module.register_module_module_registration_hook(
            lambda m, name, child: lib.nn.Sequential(child) if name == "wrapped" else None
        ),
        module.register_module_buffer_registration_hook(lambda m, name, given: given * 2 if name == "twice" else None),
    ]
    net = network(lib)
    net.wrapped = lib.nn.Identity()
    net.add_module("none", None)
    net.register_buffer("twice", lib.ones(2))
    net.register_parameter("absent", None)
    net.held = lib.nn.Parameter(lib.ones(1))
    for handle in handles:
        handle.remove()
    net.more = lib.nn.Identity()
    log.append((type(net.wrapped).__name__, plain(net.twice), sorted(net.state_dict())))


def errors(lib: Any, module: Any, log: Log) -> None:
    class Fails(lib.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any, fail: bool = True) -> Any:
            if fail:
                raise KeyError("no")
            return x

    net = Fails()
    net.register_forward_hook(lambda m, a, y: log.append("only after success"))
    net.register_forward_hook(lambda m, a, y: log.append(("always", plain(a), plain(y))), always_call=True)
    net.register_forward_hook(
        lambda m, a, k, y: log.append(("first", plain(a), k, plain(y))),
        always_call=True, with_kwargs=True, prepend=True,
    )  # fmt: skip
    handle = module.register_module_forward_hook(lambda m, a, y: log.append("all"), always_call=True)
    for fail in (True, False):
        try:
            net(lib.tensor([1.0]), fail=fail)
        except KeyError as error:
            log.append(repr(error))
    handle.remove()

    def bad(m: Any, a: Any, y: Any) -> Any:
        log.append("bad")
        raise ValueError("bad")

    net.register_forward_hook(bad)
    net.register_forward_hook(lambda m, a, y: log.append(("last", plain(y))), always_call=True)
    try:
        net(lib.tensor([1.0]), fail=False)
    except ValueError as error:
        log.append(repr(error))


def keywords(lib: Any, module: Any, log: Log) -> None:
    net = network(lib)[0]

    def change(m: Any, args: Any, kwargs: Any) -> Any:
        log.append((plain(args), sorted(kwargs)))
        return (kwargs["input"] * 2,), {}

    net.register_forward_pre_hook(change, with_kwargs=True)
    net.register_forward_pre_hook(lambda m, a: log.append(("prepended", plain(a))), prepend=True)
    net.register_forward_hook(lambda m, a, k, y: log.append((plain(a), k, plain(y))), with_kwargs=True)
    log.append(plain(net(input=lib.tensor([1.0, 2.0]))))


def saving(lib: Any, module: Any, log: Log) -> None:
    net = network(lib)

    def after(m: Any, state: Any, prefix: Any, metadata: Any) -> None:
        log.append(("saved", prefix, sorted(state), metadata.get("version")))
        state[prefix + "more"] = lib.tensor([1.0])

    for m in net.modules():
        m.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("saving", type(m).__name__, prefix, keep)))
        m.register_state_dict_post_hook(after)
    log.append(list(net.state_dict()))
    log.append(list(net.state_dict(prefix="p.", keep_vars=True)))
    into: dict[str, Any] = {}
    net.state_dict(destination=into)
    log.append(list(into))
    net.register_state_dict_post_hook(lambda *a: 3)
    try:
        net.state_dict()
    except (RuntimeError, TypeError):
        log.append("refused")


def loading(lib: Any, module: Any, log: Log) -> None:
    net = network(lib)
    state = {k: v * 2 for k, v in net.state_dict().items()}

    def before(m: Any, given: Any, prefix: Any, metadata: Any, strict: Any, *lists: Any) -> None:
        log.append(("loading", type(m).__name__, prefix, sorted(given), metadata, strict, len(lists)))
        if prefix + "old" in given:
            given[prefix + "bias"] = given.pop(prefix + "old")

    late: Log = []

    def after(m: Any, keys: Any) -> None:
        late.append(("loaded", type(m).__name__, list(keys.missing_keys), list(keys.unexpected_keys)))

    for m in net.modules():
        m.register_load_state_dict_pre_hook(before)
        m.register_load_state_dict_post_hook(after)
    state["0.old"] = state.pop("0.bias")
    state["what.else"] = lib.tensor([1.0])
    del state["1.0.weight"]
    try:
        net.load_state_dict(state)
    except RuntimeError:
        log.append("refused")
    log.append(plain(net.load_state_dict(state, strict=False)))
    log.append(plain(list(net.state_dict().values())))
    net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear() or keys.unexpected_keys.clear())
    log.append(str(net.load_state_dict(state)))
    net.register_load_state_dict_pre_hook(lambda *a: a[-1].append("a hook says no"))
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        log.append("a hook says no" in str(error))
    log.extend(late)  # PyTorch goes on to the next module behind each; Tenure when all are written


def older(lib: Any, module: Any, log: Log) -> None:
    net = network(lib)
    net[0]._register_state_dict_hook(lambda m, state, prefix, facts: {f"new.{k}": v for k, v in state.items()})
    net._register_load_state_dict_pre_hook(lambda given, prefix, *rest: log.append((sorted(given), prefix, len(rest))))
    net[0]._register_load_state_dict_pre_hook(
        lambda m, given, prefix, *rest: log.append((type(m).__name__, prefix)), with_module=True
    )
    state = network(lib).state_dict()
    log.append(str(net.load_state_dict(state)))
    log.append(list(net[0].state_dict()))


def accumulated(lib: Any, module: Any, log: Log) -> None:
    w, v = (lib.tensor([k], requires_grad=True) for k in (2.0, 3.0))
    handle = w.register_post_accumulate_grad_hook(lambda p: log.append(("w", p is w, plain(p.grad))))
    w.register_hook(lambda g: g * 10)
    w.register_hook(lambda g: log.append(("gradient", plain(g), w.grad is None)))

    def step(p: Any) -> None:
        with lib.no_grad():
            p.sub_(p.grad)
        p.grad = None

    v.register_post_accumulate_grad_hook(step)
    for _ in range(2):
        (w * v + w * w).sum().backward()
        log.append((plain(w.grad), plain(v), v.grad))
    log.append(plain(lib.autograd.grad((w * w).sum(), w)))
    (w * 2).sum().backward(inputs=[w])
    handle.remove()
    (w * 2).sum().backward()
    log.append(plain(w.grad))
    for x in (w * 2, lib.ones(1)):
        try:
            x.register_post_accumulate_grad_hook(step)
        except RuntimeError:
            log.append("refused")


PROGRAMS = [hooks_of_all, registrations, errors, keywords, saving, loading, older, accumulated]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_log_is_pytorchs(program: Callable[..., None]) -> None:
    logs: list[Log] = [[], []]
    program(tn, everywhere, logs[0])
    program(torch, torch.nn.modules.module, logs[1])
    assert logs[0] == logs[1]
