"""Laws of every optimizer that is a formula: it descends, resumes to the bit, and makes no program for a new rate."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn, optim
from tenure.values.run.force import COUNTS

ALL: dict[str, Any] = {
    "SGD": {"momentum": 0.9},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 1.0},
    "Adadelta": {"lr": 100.0},
    "Adamax": {"lr": 0.3},
    "NAdam": {},
    "RAdam": {},
    "Rprop": {},
    "ASGD": {"lr": 0.3, "t0": 3.0},
    "Adafactor": {"lr": 0.1},
    "Lion": {},
    "Muon": {"lr": 0.03},
    "SparseAdam": {},
}


def made(name: str, ps: list[Any], **options: Any) -> Any:
    """An optimizer by its name."""
    return getattr(optim, name)(ps, **{"lr": 0.05, **ALL[name], **options})


def matrix() -> Any:
    return tn.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)


def descend(ps: list[Any], optimizer: Any, steps: int, after: Any = None) -> list[Any]:
    for _ in range(steps):
        optimizer.zero_grad()
        sum([(p * p).sum() for p in ps]).backward()
        for p in ps if isinstance(optimizer, optim.SparseAdam) else ():
            p.grad = tn.SparseRows(range(len(p)), p.grad.value, p.shape)
        optimizer.step()
        if after is not None:
            after()
    return [p.tolist() for p in ps]


@pytest.mark.parametrize("name", ALL)
def test_it_descends(name: str) -> None:
    w = matrix()
    descend([w], made(name, [w]), 60)
    assert float((w * w).sum()) < 4  # 14.25 at first


@pytest.mark.parametrize("name", ALL)
def test_it_resumes_to_the_bit(name: str) -> None:
    w = matrix()
    optimizer = made(name, [w])
    descend([w], optimizer, 3)
    v = copy.deepcopy(w)
    other = made(name, [v])
    saved = optimizer.state_dict()
    expected = descend([w], optimizer, 4)
    other.load_state_dict(saved)
    assert descend([v], other, 4) == expected
    kept = [x for held in saved["state"].values() for x in held.values()]
    assert all(isinstance(x, tn.Tensor) or (name, type(x)) == ("SparseAdam", int) for x in kept)


@pytest.mark.parametrize("name", ALL)
def test_rates_and_momenta_that_change_make_no_program(name: str) -> None:
    w = matrix()
    optimizer = made(name, [w])
    momentum = "momentum" in optimizer.defaults or "betas" in optimizer.defaults
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.05, 60, cycle_momentum=momentum)
    counts: list[int] = []

    def after() -> None:
        schedule.step()
        w.sum().item()
        counts.append(COUNTS["programs"])

    descend([w], optimizer, 50, after)
    assert counts[9] == counts[-1]


@pytest.mark.parametrize("name", ["NAdam", "ASGD", "Adafactor", "Muon"])
def test_parameters_at_several_steps_are_updated_as_each_alone(name: str) -> None:
    out = []
    for apart in (False, True):
        ws = [matrix() * k for k in (1.0, 2.0)]
        ps = [tn.tensor(w.tolist(), requires_grad=True) for w in ws]
        optimizers = [made(name, [p]) for p in ps] if apart else [made(name, ps)]
        for step in range(4):
            for optimizer in optimizers:
                optimizer.zero_grad()
            sum([(p * p).sum() for p in (ps if step else ps[:1])]).backward()
            for optimizer in optimizers:
                optimizer.step()
        out.append([p.tolist() for p in ps])
    assert out[0] == out[1]


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("Adafactor", "Muon", "SparseAdam")])
def test_a_complex_parameter_is_its_two_parts(name: str) -> None:
    z = tn.tensor([1 + 2j, -0.5j], requires_grad=True)
    x = tn.tensor([[1.0, 2.0], [0.0, -0.5]], requires_grad=True)
    for p, optimizer in ((z, made(name, [z])), (x, made(name, [x]))):
        for _ in range(3):
            optimizer.zero_grad()
            (p.abs() ** 2).sum().backward()
            optimizer.step()
    assert np.allclose(tn.view_as_real(z).detach().numpy(), x.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["Adafactor", "Muon", "SparseAdam"])
def test_what_takes_no_complex_parameter(name: str) -> None:
    with pytest.raises(tn.errors.DTypeError, match=rf"{name} takes real parameters, and parameter 0 of"):
        made(name, [tn.tensor([[1j]], requires_grad=True)])


def test_muon_takes_matrices() -> None:
    with pytest.raises(tn.errors.ShapeError, match=r"parameter 1 of group 0 has shape \[3\](.|\n)*AdamW"):
        optim.Muon(nn.Linear(2, 3).parameters())


def test_the_step_of_muon_is_nearly_orthogonal() -> None:
    w = tn.tensor(np.random.default_rng(0).standard_normal((6, 4)), requires_grad=True)
    before = w.detach().numpy()
    optimizer = optim.Muon([w], lr=1.0, weight_decay=0.0, ns_steps=12, ns_coefficients=(1.875, -1.25, 0.375))
    (w * w).sum().backward()
    optimizer.step()
    step = (before - w.detach().numpy()) / np.sqrt(6 / 4)
    assert np.allclose(step.T @ step, np.eye(4), atol=1e-3)


def test_lion_by_its_formula() -> None:
    w, m, p = tn.tensor([1.0, -2.0], requires_grad=True), np.zeros(2), np.array([1.0, -2.0])
    optimizer = optim.Lion([w], lr=0.1, betas=(0.5, 0.8), weight_decay=0.1)
    for g in ([1.0, -1.0], [-3.0, 0.5], [0.0, 0.0]):
        w.grad = tn.tensor(g)
        optimizer.step()
        p = p * (1 - 0.1 * 0.1) - 0.1 * np.sign(0.5 * m + 0.5 * np.array(g))
        m = 0.8 * m + 0.2 * np.array(g)
    assert np.allclose(w.detach().numpy(), p)


def test_sparse_adam_leaves_rows_alone_that_have_no_gradient() -> None:
    table = nn.Embedding(4, 2, sparse=True)
    before = table.weight.detach().numpy()
    optimizer = optim.SparseAdam(table.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (table(tn.tensor([1, 3])) ** 2).sum().backward()
        optimizer.step()
    moved = (table.weight.detach().numpy() != before).all(1)
    assert moved.tolist() == [False, True, False, True]


def test_an_option_that_is_turned_on_begins_its_state() -> None:
    w = matrix()
    optimizer = optim.Adam([w])
    descend([w], optimizer, 2)
    optimizer.param_groups[0]["amsgrad"] = True
    descend([w], optimizer, 1)
    assert "max_exp_avg_sq" in optimizer.state[w]


@pytest.mark.parametrize("rate", [tn.tensor(0.05), tn.tensor([0.05])])
@pytest.mark.parametrize("name", ALL)
def test_a_rate_that_is_a_tensor(name: str, rate: Any) -> None:
    w, v = matrix(), matrix()
    one, other = descend([w], made(name, [w], lr=0.05), 3), descend([v], made(name, [v], lr=rate), 3)
    assert np.allclose(one, other, rtol=1e-5)


def test_a_rate_that_is_a_place_is_followed() -> None:
    w, rate = matrix(), tn.tensor(0.25).mut()
    optimizer = optim.SGD([w], lr=rate)
    descend([w], optimizer, 1)
    rate.fill_(0.0)
    before = w.tolist()
    descend([w], optimizer, 1)
    assert w.tolist() == before == [[0.5, -1.0], [0.25, 1.5]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: optim.Adam([w], lr=tn.ones(2)), "Adam: lr is a number, not"),
        (lambda w: optim.Adam([w], fused=True, foreach=True), "fused and foreach"),
        (lambda w: optim.Adadelta([w], rho=1.5), "invalid rho: 1.5"),
        (lambda w: optim.Rprop([w], etas=(1.5, 0.5)), "invalid etas"),
        (lambda w: optim.Adafactor([w], d=0.5), "invalid d: 0.5"),
        (lambda w: optim.Adafactor([w], eps=(-1.0, 0.1)), "invalid eps"),
        (lambda w: optim.Muon([w], ns_steps=100), "invalid ns_steps: 100"),
        (lambda w: optim.Muon([w], adjust_lr_fn="a"), "invalid adjust_lr_fn: 'a'"),
        (lambda w: optim.SparseAdam([w], lr=0.0), "invalid lr: 0.0"),
        (lambda w: optim.NAdam([w], momentum_decay=-1.0), "invalid momentum_decay"),
        (lambda w: optim.LBFGS([w], line_search_fn="a"), "invalid line_search_fn: 'a'"),
        (lambda w: optim.LBFGS([{"params": [w]}, {"params": [matrix()]}]), "LBFGS has one group"),
    ],
)
def test_refused_options(make: Any, message: str) -> None:
    with pytest.raises((ValueError, tn.errors.DTypeError), match=message):
        make(matrix())


def test_adamw_takes_the_state_of_adam() -> None:
    w, v = matrix(), matrix()
    optimizer, other = optim.Adam([w]), optim.AdamW([v])
    descend([w], optimizer, 1)
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["decoupled_weight_decay"] is True


def test_a_state_of_other_shapes_is_refused() -> None:
    w, v = matrix(), tn.ones(3, 2, requires_grad=True)
    optimizer, other = optim.Adafactor([w]), optim.Adafactor([v])
    descend([w], optimizer, 1)
    with pytest.raises(tn.StateDictError, match=r"row_var has shape \[2, 1\] in the state_dict, and \[3, 1\] here"):
        other.load_state_dict(optimizer.state_dict())


class OwnState(optim.Optimizer):
    """Keeps what it likes."""

    def update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
        state["seen"] = state.get("seen", 0) + 1
        state["norms"] = [*state.get("norms", []), (grad * grad).sum()]
        p.sub_(group["lr"] * grad)


def test_a_state_of_ones_own_is_saved_and_loaded() -> None:
    w, v = matrix(), matrix()
    one, other = OwnState([w], {"lr": 0.1}), OwnState([v], {"lr": 0.1})
    descend([w], one, 2)
    other.load_state_dict(one.state_dict())
    assert other.state[v]["seen"] == 2
    assert [x.item() for x in other.state[v]["norms"]] == [x.item() for x in one.state[w]["norms"]]


def valley(w: Any, optimizer: Any, calls: list[int]) -> Any:
    def closure() -> Any:
        calls[0] += 1
        optimizer.zero_grad()
        loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_comes_to_the_end_of_a_curved_valley(search: str | None) -> None:
    w, calls = tn.tensor([-0.5, 0.5], dtype=tn.float64, requires_grad=True), [0]
    optimizer = optim.LBFGS([w], max_iter=40, line_search_fn=search, lr=1.0 if search else 0.2)
    with tn.no_grad():
        first = optimizer.step(valley(w, optimizer, calls))
    assert first.item() == pytest.approx(8.5)
    assert optimizer.state[w]["func_evals"] == calls[0]
    if search:
        assert w.tolist() == pytest.approx([1.0, 1.0], abs=1e-5)
    before = COUNTS["programs"]
    optimizer.step(valley(w, optimizer, calls))
    assert COUNTS["programs"] <= before + 2


def test_lbfgs_takes_a_closure() -> None:
    w = matrix()
    with pytest.raises(tn.errors.DTypeError, match="closure is a function, not None"):
        optim.LBFGS([w]).step(None)  # type: ignore[arg-type]


def test_lbfgs_goes_nowhere_from_the_least_point() -> None:
    w, calls = tn.tensor([1.0, 1.0], requires_grad=True), [0]
    optimizer = optim.LBFGS([w])
    optimizer.step(valley(w, optimizer, calls))
    assert (w.tolist(), calls) == ([1.0, 1.0], [1])


def moved(then: Any, backwards: int = 1) -> int:
    """Bytes that one training step moves, compiled, and what ``then`` does to the gradients of w first."""
    w, x = nn.Parameter(tn.full((500,), 2.0)), tn.ones(500)
    optimizer = optim.Adam([w], lr=0.1)
    for _ in range(3):
        for _ in range(backwards):
            loss = ((w * x).tanh() * x).sum()
            loss.backward()
        then([w])
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    return tn.explain().moved


def test_clipping_and_accumulation_are_no_pass_over_memory() -> None:
    alone = moved(lambda ps: None)
    assert moved(lambda ps: nn.utils.clip_grad_value_(ps, 0.5)) <= alone + 100
    assert moved(lambda ps: None, backwards=3) <= alone + 100
    stored = 3 * 500 * 4  # the gradient is stored, and read by the norm and by the update
    assert moved(lambda ps: nn.utils.clip_grad_norm_(ps, 0.5)) <= alone + stored + 100
