"""Optimizers: updates by hand, groups, state, and what is refused."""

import copy
import gc
import importlib
import math
import pickle
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tenure.nn import functional as F
from tenure.values.run.force import COUNTS
from tenure.values.trace.record import RECORDER

ALL: dict[str, Any] = {
    "sgd": lambda ps: optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "nesterov": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda ps: optim.Adam(ps, lr=0.1, weight_decay=0.01),
    "rmsprop": lambda ps: optim.RMSprop(ps, lr=0.03),
    "rmsprop_centered": lambda ps: optim.RMSprop(ps, lr=0.005, momentum=0.5, centered=True),
    "adamw": lambda ps: optim.AdamW(ps, lr=0.1),
}


@pytest.fixture(params=ALL)
def make(request: pytest.FixtureRequest) -> Any:
    return ALL[request.param]


def leaf(*numbers: float) -> Any:
    return tn.tensor(list(numbers), requires_grad=True)


def descend(w: Any, optimizer: Any, steps: int) -> list[float]:
    for _ in range(steps):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    return w.tolist()  # type: ignore[no-any-return]


def test_one_step_of_sgd_and_adam() -> None:
    w = leaf(1.0, -2.0)
    assert descend(w, optim.SGD([w], lr=0.25), 1) == [0.5, -1.0]
    w = leaf(1.0, -2.0)
    assert descend(w, optim.Adam([w], lr=0.25), 1) == pytest.approx([0.75, -1.75])
    w = leaf(1.0)
    assert descend(w, optim.SGD([w], lr=0.25, maximize=True), 1) == [1.5]


def test_all_of_them_minimize(make: Any) -> None:
    w = leaf(1.0, -2.0)
    assert max(map(abs, descend(w, make([w]), 200))) < 0.05
    assert w.requires_grad
    assert w.is_leaf


def test_what_was_read_does_not_change(make: Any) -> None:
    w = leaf(1.0, -2.0)
    optimizer = make([w])
    before, grad = w.value, None
    descend(w, optimizer, 1)
    grad = w.grad
    kept = grad.tolist()
    descend(w, optimizer, 3)
    assert before.tolist() == [1.0, -2.0]
    assert grad.tolist() == kept


def test_parameters_without_gradient_stay() -> None:
    w, v = leaf(1.0), leaf(5.0)
    frozen = tn.Var(tn.tensor([3.0]))
    optimizer = optim.Adam([w, v, frozen])
    descend(w, optimizer, 2)
    assert (v.item(), frozen.item()) == (5.0, 3.0)
    assert set(optimizer.state) == {w}


def test_groups() -> None:
    w, v = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": [w]}, {"params": v, "lr": 0.0}], lr=0.25)
    (w * w + v * v).sum().backward()
    optimizer.step()
    assert (w.item(), v.item()) == (0.5, 1.0)
    u = leaf(1.0)
    optimizer.add_param_group({"params": [u], "lr": 1.0})
    assert [g["lr"] for g in optimizer.param_groups] == [0.25, 0.0, 1.0]
    with pytest.raises(ValueError, match="more than once"):
        optimizer.add_param_group({"params": [w]})
    assert len(optimizer.param_groups) == 3
    assert repr(optim.SGD([w], lr=0.5)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n"
        "    fused: None\n    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n"
        "    weight_decay: 0\n)"
    )


def test_zero_grad() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w])
    (w * w).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_closure() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with tn.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert w.item() == 0.5


def test_state_goes_on_where_it_was_saved(make: Any) -> None:
    w = leaf(1.0, -2.0)
    optimizer = make([w])
    descend(w, optimizer, 3)
    v = copy.deepcopy(w)
    other = make([v])
    saved = optimizer.state_dict()
    expected = descend(w, optimizer, 3)
    other.load_state_dict(saved)
    assert descend(v, other, 3) == expected
    assert {type(x) for held in saved["state"].values() for x in held.values()} <= {int, tn.Tensor}


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_model_and_its_optimizer_are_copied_together(make: Any, twin: Any) -> None:
    model = {"w": leaf(1.0, -2.0)}
    optimizer = make(list(model.values()))
    descend(model["w"], optimizer, 2)
    other, resumed = twin((model, optimizer))
    assert type(resumed) is type(optimizer) and resumed.param_groups[0]["params"][0] is other["w"] is not model["w"]
    expected = descend(model["w"], optimizer, 3)
    assert descend(other["w"], resumed, 3) == expected


def test_a_shallow_copy_of_an_optimizer_has_its_own_state(make: Any) -> None:
    w = leaf(1.0, -2.0)
    optimizer = make([w])
    descend(w, optimizer, 2)
    other = copy.copy(optimizer)
    before = repr(optimizer.state_dict())
    other.param_groups[0]["lr"] = 0.0
    descend(w, other, 2)
    assert other.param_groups[0]["params"][0] is w
    assert repr(optimizer.state_dict()) == before


def test_loaded_state_is_no_longer_the_others(make: Any) -> None:
    w, v = leaf(1.0, -2.0), leaf(1.0, -2.0)
    one, two = make([w]), make([v])
    descend(w, one, 2)
    saved = one.state_dict()
    kept = repr(saved)
    two.load_state_dict(saved)
    descend(v, two, 2)
    assert repr(one.state_dict()) == kept == repr(saved)


def test_a_failed_load_changes_nothing() -> None:
    w, v = leaf(1.0), leaf(1.0, 2.0)
    optimizer = optim.Adam([w], lr=0.5)
    descend(w, optimizer, 1)
    before = repr(optimizer.state_dict())
    other = optim.Adam([v])
    descend(v, other, 1)
    for given, message in (
        (optim.Adam([{"params": [w]}, {"params": [v]}]).state_dict(), "has 2 parameter groups, the optimizer 1"),
        (optim.Adam([w, v]).state_dict(), "parameter group 0 has 2 parameters in the state_dict and 1"),
        (other.state_dict(), r"exp_avg has shape \[2\] in the state_dict, and \[1\] here"),
        ({"state": {}}, "the state_dict has no 'param_groups'"),
    ):
        with pytest.raises(tn.StateDictError, match=message):
            optimizer.load_state_dict(given)
    assert repr(optimizer.state_dict()) == before


def test_refused_arguments() -> None:
    w = leaf(1.0)
    with pytest.raises(ValueError, match="empty"):
        optim.SGD([])
    with pytest.raises(ValueError, match="invalid lr: -1"):
        optim.SGD([w], lr=-1)
    with pytest.raises(ValueError, match=r"invalid betas: \(1.0, 0.9\)"):
        optim.Adam([w], betas=(1.0, 0.9))
    with pytest.raises(ValueError, match="Nesterov"):
        optim.SGD([w], nesterov=True)
    with pytest.raises(TypeError, match="takes a list of parameters"):
        optim.SGD(w)
    with pytest.raises(TypeError, match="updates tensors, not 3"):
        optim.SGD([3])
    with pytest.raises(tn.WriteError, match="TN594: an optimizer was given a value"):
        optim.SGD([tn.zeros(2)])
    with pytest.raises(tn.GradientError, match="TN804"):
        optim.SGD([tn.Var(w * 2)])
    with pytest.raises(ValueError, match="more than once"):
        optim.SGD([w, w])


def test_a_replaced_parameter_is_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    optimizer.step()
    old = model[1].weight
    model[1].weight = nn.Parameter(tn.zeros(2, 2))
    with pytest.raises(tn.StaleBorrowError) as caught:
        optimizer.step()  # here
    assert "TN597: parameter 2 of group 0, of shape [2, 2], is held by no module now" in str(caught.value)
    assert "optimizer.step()  # here" in str(caught.value)
    model[1].weight = old
    optimizer.step()


def test_a_replaced_layer_is_refused_and_a_tied_weight_is_not() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    optimizer = optim.SGD([model[0].weight], lr=0.1)
    model[0] = nn.Linear(2, 2)
    optimizer.step()
    model[1] = nn.Linear(2, 2)
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        optimizer.step()


@pytest.mark.parametrize("change", [lambda m: m.double(), lambda m: delattr(m, "bias")])
def test_what_orphans_parameters(change: Any) -> None:
    model = nn.Linear(2, 2)
    optimizer = optim.Adam(model.parameters())
    model.float()
    optimizer.step()
    change(model)
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        optimizer.step()


def test_parameters_that_no_module_ever_held() -> None:
    p = nn.Parameter(tn.ones(2))
    assert descend(p, optim.SGD([p], lr=0.25), 1) == [0.5, 0.5]


def train(make: Any, steps: int, *, slices: bool = False, force: bool = True, width: int = 8) -> list[int]:
    tn.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 3))
    optimizer = make(model.parameters())
    x, y = tn.randn(64, 4), tn.randint(3, (64,))
    counts = []
    for k in range(steps):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 + math.cos(k / steps))
        at = 8 * (k % 8)
        inputs, labels = (x[at : at + 8], y[at : at + 8]) if slices else (x, y)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        if force:
            loss.item()
        counts.append(COUNTS["programs"])
    return counts


@pytest.mark.parametrize("slices", [False, True])
def test_a_training_loop_compiles_nothing_after_its_first_steps(make: Any, slices: bool) -> None:
    counts = train(make, 14, slices=slices)
    assert counts[5] == counts[-1]


def test_a_loop_that_never_reads_compiles_nothing_either() -> None:
    counts = train(ALL["adam"], 90, force=False, width=9)
    assert counts[5] == counts[-1]


def test_kept_losses_pin_nothing() -> None:
    w = leaf(*[1.0] * 1000)
    optimizer = optim.Adam([w], lr=0.01)
    gc.disable()
    try:
        losses = []
        for _ in range(30):
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        assert losses[0].item() == 1000.0
        assert losses[-1].item() < 700.0
    finally:
        gc.enable()


class OneByOne:
    """The optimizer of a name, whose parameters are updated one by one."""

    def __new__(cls, kind: type[Any], ps: list[Any], **options: Any) -> Any:
        def update(self: Any, p: Any, grad: Any, state: Any, group: Any) -> None:
            kind.update_all(self, [p], [grad], [state], group)  # type: ignore[attr-defined]

        return type("OneByOne", (kind,), {"update": update})(ps, **options)


@pytest.mark.parametrize(
    "kind, options",
    [
        (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        (optim.Adam, {"weight_decay": 0.1}),
        (optim.AdamW, {"maximize": True}),
        (optim.RMSprop, {"momentum": 0.5, "centered": True}),
    ],
)
def test_parameters_updated_together_have_the_bits_of_those_updated_one_by_one(kind: Any, options: Any) -> None:
    out = []
    for make in (kind, lambda ps, **o: OneByOne(kind, ps, **o)):
        ws = [tn.tensor([[0.5 * k + 0.1 * j for j in range(k + 1)]], requires_grad=True) for k in range(4)]
        optimizer = make(ws, lr=0.05, **options)
        for step in range(5):
            optimizer.zero_grad()
            used = ws if step != 1 else ws[:2]  # the others fall a step behind
            sum([(w * w).tanh().sum() for w in used]).backward()
            optimizer.step()
        out.append(
            [w.tolist() for w in ws]
            + [[x.tolist() for x in s.values() if isinstance(x, tn.Tensor)] for s in optimizer.state.values()]
        )
    assert out[0] == out[1]


def test_a_group_is_updated_in_one_recorded_step() -> None:
    ws = [leaf(float(k)) for k in range(1, 9)]
    optimizer = optim.Adam(ws, lr=0.1)
    counts = []
    for _ in range(4):
        optimizer.zero_grad()
        sum([(w * w).sum() for w in ws]).backward()
        before = RECORDER.trace.point()
        optimizer.step()
        steps = RECORDER.sealed.point().steps(before)
        counts.append(sum([bool(step.rule.kinds) for step in steps]))
    assert counts[1:] == [1, 1, 1]


def test_a_learning_rate_may_be_a_tensor() -> None:
    w, v = leaf(1.0), leaf(1.0)
    for x, lr in ((w, 0.25), (v, tn.tensor(0.25))):
        optimizer = optim.SGD([x], lr=0.5)
        optimizer.param_groups[0]["lr"] = lr
        (x * x).sum().backward()
        optimizer.step()
    assert w.tolist() == v.tolist() == [0.5]
    optimizer.param_groups[0]["lr"] = tn.tensor([0.25, 0.5])
    with pytest.raises(tn.errors.ShapeError):
        optimizer.step()


def test_a_parameter_that_is_lent_is_not_updated_with_its_group() -> None:
    w, v = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([w, v], lr=0.5)
    (w * v).sum().backward()
    with v.borrow(), pytest.raises(tn.errors.TenureError, match="TN506"):
        optimizer.step()
    assert w.tolist() == v.tolist() == [1.0]
    optimizer.step()
    assert w.tolist() == v.tolist() == [0.5]


def test_a_gradient_through_an_update_in_the_same_trace_ends_at_the_new_value() -> None:
    w = leaf(2.0)
    optimizer = optim.SGD([w], lr=0.25)

    def run(x: Any) -> Any:
        (w * w).sum().backward()
        optimizer.step()
        w.grad = None
        (w * w * x).sum().backward()
        return w.grad.value.sum() * x

    assert tn.grad(run)(tn.tensor(1.0)).item() == 2.0  # inside a transform nothing is sealed
    assert w.tolist() == [1.0]


@pytest.mark.parametrize("name", ["tenure", "tenure.torch"])
def test_lbfgs_takes_a_parameter_without_a_gradient(name: str) -> None:
    lib = importlib.import_module(name)
    used, unused = (lib.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = lib.optim.LBFGS([used, unused], lr=0.5)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (used**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 5.0
    assert unused.tolist() == [1.0, 2.0] and used.tolist() != [1.0, 2.0]
