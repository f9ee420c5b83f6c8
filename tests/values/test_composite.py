"""Functions of tensors recorded as one operation: they compute, differentiate and fail as the tensor code they are."""

import numpy as np
import pytest

import tenure as tn
from tenure.errors import InternalError
from tenure.nn import functional
from tenure.nn.functional import activation, layer, loss
from tenure.values.native import hits
from tenure.values.operations import exponentials
from tenure.values.run.force import COUNTS
from tenure.values.tensor import composite as made
from tenure.values.trace.record import RECORDER


def plain(x, w, b):
    h = (x @ w.T + b).chunk(2, -1)
    return (h[0].tanh() * h[1].sigmoid() + 0.5).square().sum(axis=0)


STEP = made.composite("step_of_a_test", plain)


def composed(x, w, b):
    return hits.apply(STEP, (x, w, b))


def operands():
    rng = np.random.default_rng(3)
    return [tn.tensor(rng.normal(size=s)) for s in ((5, 3), (4, 3), (4,))]


def test_values_gradients_and_second_derivatives_are_those_of_the_code():
    xs = operands()
    total = {f: (lambda *xs, f=f: f(*xs).sum()) for f in (plain, composed)}
    for _ in range(3):
        assert composed(*xs).tolist() == plain(*xs).tolist()
        for k in range(3):
            a, b = (tn.grad(total[f], argnums=k)(*xs).tolist() for f in (plain, composed))
            assert a == b
        a, b = (tn.hessian(lambda w, f=f: total[f](xs[0], w, xs[2]))(xs[1]).numpy() for f in (plain, composed))
        assert np.allclose(a, b, rtol=1e-12)
        a, b = (tn.vmap(lambda x, f=f: f(x[None], *xs[1:]))(xs[0]).numpy() for f in (plain, composed))
        assert np.allclose(a, b, rtol=1e-12)


def test_it_is_one_result_of_the_trace_and_counts_as_what_it_is_made_of():
    xs = operands()
    RECORDER.flush()
    start = RECORDER.trace.point().size
    composed(*xs)
    assert len(RECORDER.trace.handles) == 1
    assert RECORDER.trace.point().size - start > 5


def test_what_its_code_refuses_is_refused_at_the_line_and_leaves_the_trace_usable():
    x, w, b = operands()
    z = x * 2.0
    for _ in range(3):
        with pytest.raises(tn.errors.ShapeError, match="TN802"):
            composed(x, w[:, :2], b)
        with pytest.raises(ValueError, match="reduction"):
            functional.mse_loss(x, x, reduction="median")
    assert not RECORDER.trace.busy
    assert z.tolist() == (x.numpy() * 2).tolist()


def test_its_code_makes_its_result_of_its_arguments_alone():
    x = tn.tensor([1.0])
    foreign = made.composite("foreign", lambda y: y + x)
    with pytest.raises(InternalError, match="of its own"):
        (lambda: hits.apply_one(foreign, x))()


def test_a_step_seen_before_runs_none_of_its_code():
    calls = []
    counted = made.composite("counted", lambda x: calls.append(1) or x * 2.0)

    def twice(x):
        return hits.apply_one(counted, x)

    x = tn.tensor([1.0, 2.0])
    for _ in range(3):
        assert twice(x).tolist() == [2.0, 4.0]
    before, nodes = len(calls), COUNTS["rows"]
    for _ in range(5):
        twice(x).tolist()
    assert len(calls) == before and COUNTS["rows"] == nodes


LAYERS = {
    "silu": (activation.SILU, lambda r: (r(4, 3),), {}),
    "gelu": (activation.GELU["none"], lambda r: (r(4, 3),), {}),
    "gelu by tanh": (activation.GELU["tanh"], lambda r: (r(4, 3),), {}),
    "logsigmoid": (activation.LOG_SIGMOID, lambda r: (r(4, 3),), {}),
    "softmax": (exponentials.SOFTMAX, lambda r: (r(4, 3),), {"axis": 1}),
    "log_softmax": (exponentials.LOG_SOFTMAX, lambda r: (r(4, 3),), {"axis": 0}),
    "linear": (layer.LINEAR, lambda r: (r(4, 3), r(2, 3), r(2)), {}),
    "attention": (layer.ATTENTION, lambda r: (r(2, 4, 3), r(2, 5, 3), r(2, 5, 3)), {"causal": True, "scale": None}),
    "mse": (loss.MSE, lambda r: (r(4, 3), r(4, 3)), {"reduction": "mean"}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_of_a_layer_is_that_of_finite_differences(name):
    operation, inputs, params = LAYERS[name]
    rng = np.random.default_rng(5)
    xs = inputs(lambda *shape: tn.tensor(rng.normal(size=shape)))

    def function(*xs):
        return hits.apply(operation, xs, tuple(params.items())).square().sum()

    for k, x in enumerate(xs):
        found = tn.grad(function, argnums=k)(*xs)
        direction = tn.tensor(rng.normal(size=x.shape))
        ahead, behind = (function(*xs[:k], x + h * direction, *xs[k + 1 :]).item() for h in (1e-5, -1e-5))
        assert (found * direction).sum().item() == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-7)
