"""custom_vjp: the rule runs once per backward, at its line, on values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

X = np.array([0.5, -1.25, 2.0])


def scaled(calls: list[Any], factor: float = 10.0) -> Any:
    """x · y with a gradient that is ``factor`` times too large, so that one sees whose it is."""

    @tn.custom_vjp
    def times(x: Any, y: Any) -> Any:
        """Multiply."""
        return x * y

    def backward(residuals: Any, g: Any) -> Any:
        x, y = residuals
        calls.append(g)
        return factor * g * y, factor * g * x

    times.defvjp(lambda x, y: (x * y, (x, y)), backward)
    return times


def leaf(values: Any = X) -> Any:
    return tn.tensor(values, dtype=tn.float64, requires_grad=True)


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(np.asarray(got.detach()), want, rtol=1e-12)


def test_the_rule_gives_the_gradient_and_runs_once_per_backward() -> None:
    calls: list[Any] = []
    times, x, y = scaled(calls), leaf(), leaf(X + 1)
    z = times(x, y)
    close(z, X * (X + 1))
    assert not calls
    (z * z + z).sum().backward()
    assert len(calls) == 1 and type(calls[0]) is tn.Tensor
    close(calls[0], 2 * X * (X + 1) + 1)
    close(x.grad, 10 * (2 * X * (X + 1) + 1) * (X + 1))
    close(y.grad, 10 * (2 * X * (X + 1) + 1) * X)
    for k in range(3):
        times(x, y).sum().backward()
        assert len(calls) == k + 2


def test_without_gradients_it_is_the_function() -> None:
    calls: list[Any] = []
    times, x = scaled(calls), leaf()
    with tn.no_grad():
        assert not times(x, x).requires_grad
    close(times(tn.tensor(X), tn.tensor(X)), X * X)
    assert times.__name__ == "times" and times.__doc__ == "Multiply."


def test_one_tensor_twice_and_numbers_among_the_arguments() -> None:
    calls: list[Any] = []
    times, x = scaled(calls), leaf()
    times(x, x).sum().backward()
    close(x.grad, 20 * X)
    x.grad = None
    times(x, 3.0).sum().backward()
    close(x.grad, 30 + 0 * X)


def test_an_argument_without_a_cotangent() -> None:
    @tn.custom_vjp
    def first(x: Any, y: Any) -> Any:
        return x * 1.0

    first.defvjp(lambda x, y: (x * 1.0, None), lambda residuals, g: (g, None))
    x, y = leaf(), leaf()
    first(x, y).sum().backward()
    close(x.grad, 1 + 0 * X)
    assert y.grad is None


def test_one_after_the_other_and_inside_transforms() -> None:
    calls: list[Any] = []
    times = scaled(calls)
    x = leaf()
    times(times(x, 2.0), 3.0).sum().backward()
    close(x.grad, 600 + 0 * X)
    assert len(calls) == 2
    close(tn.grad(lambda x: times(x, x).sum())(tn.tensor(X)), 20 * X)
    close(tn.jvp(lambda x: times(x, x), (tn.tensor(X),), (tn.tensor(X),))[1], 20 * X * X)


def test_what_the_rule_records_is_differentiated_again() -> None:
    times, x = scaled([], factor=1.0), leaf()
    z = times(x, 3.0)
    (g,) = tn.autograd.grad((z * z * z).sum(), x, create_graph=True)
    close(g, 81 * X**2)
    (h,) = tn.autograd.grad(g.sum(), x)
    close(h, 162 * X)


def test_the_rule_may_read_values_and_keeps_what_forward_saw() -> None:
    @tn.custom_vjp
    def clipped(x: Any) -> Any:
        return x * 1.0

    clipped.defvjp(lambda x: (x * 1.0, x), lambda x, g: (g if x.sum().item() > 0 else g * 0.0,))
    v = leaf()
    y = clipped(v).sum()
    v.data = tn.tensor(-X)
    y.backward()
    close(v.grad, 1 + 0 * X)


def test_refused() -> None:
    x = leaf()

    @tn.custom_vjp
    def nothing(x: Any) -> Any:
        return x

    with pytest.raises(tn.GradientError, match="has no rule"):
        nothing(x)
    for returned, message in [(3.0, "gave float"), ((), "gave nothing"), (tn.tensor([1]), "no result .* is floating")]:
        nothing.defvjp(lambda x, y=returned: (y, None), lambda r, g: (g,))
        with pytest.raises(tn.DTypeError, match=message):
            nothing(x)
    for wrong, message in [
        (lambda r, g: g, "tuple of 1"),
        (lambda r, g: (g, g), "tuple of 1"),
        (lambda r, g: (g.sum(),), "cotangent"),
    ]:
        nothing.defvjp(lambda x: (x * 2.0, None), wrong)
        with pytest.raises(tn.TenureError, match=message):
            nothing(x).sum().backward()
        assert x.grad is None
    nothing.defvjp(lambda x: (x * 2.0, None), lambda r, g: (g * 2.0,))
    nothing(x).sum().backward()
    close(x.grad, 2 + 0 * X)


def test_an_error_in_the_rule_is_raised_at_the_backward() -> None:
    @tn.custom_vjp
    def fragile(x: Any) -> Any:
        return x * 1.0

    def rule(residuals: Any, g: Any) -> Any:
        raise ValueError("mine")

    fragile.defvjp(lambda x: (x * 1.0, None), rule)
    x = leaf()
    y = fragile(x).sum()
    with pytest.raises(ValueError, match="mine"):
        y.backward()
    assert x.grad is None and y.item() == X.sum()


def test_a_training_loop_with_a_rule_builds_nothing_after_its_first_steps() -> None:
    from tenure.values.run.force import COUNTS

    times, w = scaled([], factor=1.0), leaf()
    counts = []
    for _ in range(8):
        w.grad = None
        loss = times(w, w).sum()
        loss.backward()
        w.data -= 0.01 * w.grad
        loss.item()
        counts.append(COUNTS["programs"])
    assert counts[4] == counts[-1]
