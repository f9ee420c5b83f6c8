"""L-BFGS: a quasi-Newton method with limited memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.errors import DTypeError, shown
from tenure.optim.optimizer import Optimizer, R, gradient_of
from tenure.optim.options import Group, Params, Rate, check_options, given
from tenure.optim.rule import Rule
from tenure.optim.wolfe import Point, search
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.complexes import view_as_complex, view_as_real
from tenure.values.operations.factories import zeros_like
from tenure.values.operations.indexing import split
from tenure.values.operations.shaping import cat
from tenure.values.places.updates import become, refuse_writes
from tenure.values.places.var import Var
from tenure.values.rules.modes import enable_grad, no_grad
from tenure.values.tensor.tensor import Tensor

ALONG = Rule("along", lambda p, g, kept, numbers: (p + numbers[0] * g, kept))
"""A step along a direction."""
CURVED = 1e-10
"""The least curvature along a step that the memory takes."""


class LBFGS(Optimizer):
    """L-BFGS: steps along -H · g, where H approximates the inverse Hessian from the last ``history_size`` steps.

    ``step(closure)`` makes up to ``max_iter`` iterations, and calls ``closure`` up to ``max_eval`` times (None:
    1.25 · max_iter). It ends early where no element of the gradient is above ``tolerance_grad``, or where step or loss
    change by at most ``tolerance_change``. An iteration goes by ``lr``, or with ``line_search_fn`` "strong_wolfe" as
    far as a line search says. All parameters are one vector: there is one group. State, at the first parameter:
    ``d``, ``t``, ``old_dirs``, ``old_stps``, ``ro``, ``H_diag``, ``prev_flat_grad``, ``prev_loss``, ``func_evals``,
    ``n_iter``. ValueError for more groups. Source: Liu, Nocedal, Math. Programming 1989, in the form of minFunc.

    >>> w = tn.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     opt.zero_grad()
    ...     loss = ((w - 3) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> opt.step(closure), w
    (tensor(29., grad_fn=<SumBackward0>), tensor([3.0000, 3.0000], requires_grad=True))
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        check_options(line_search_fn=(line_search_fn, line_search_fn in (None, "strong_wolfe")))
        super().__init__(params, given(locals()))

    def add_param_group(self, param_group: Group) -> None:
        """ValueError for a second group: all parameters are one vector."""
        if self.param_groups:
            raise ValueError("param_group: LBFGS has one group, since its parameters are one vector")
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], R]) -> R:  # type: ignore[override]
        """Iterate, and return the first loss; ``closure`` computes the loss anew, calls backward, and returns it."""
        if not callable(closure):
            raise DTypeError(f"step: closure is a function, not {shown(closure)}")
        self._refuse_orphans()
        loss: R = enable_grad().apply(closure)
        no_grad().apply(lambda: Descent(self, closure).run(_number(loss)))
        return loss

    def _update_group(self, group: Group) -> None:
        parts, t = self._move
        ALONG(group["params"], parts, (), (t,), ())

    def move(self, parts: list[Tensor], t: float) -> None:
        """Write the parameters: each by t times its part of a direction."""
        self._move = parts, t
        Optimizer.step(self)
        del self._move

    def _restored(self, name: str, x: Any, p: Any) -> Any:
        """Numbers as Python has them, vectors as values."""
        if isinstance(x, list):
            return [self._restored(name, y, p) for y in x]
        if isinstance(x, Tensor):
            return x.item() if x.ndim == 0 else x.detach().to(p.dtype) if not p.dtype.is_complex else x.detach()
        return x


class Descent:
    """The iterations of one step."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any]) -> None:
        self.optimizer, self.closure = optimizer, closure
        self.group = optimizer.param_groups[0]
        self.params: list[Var] = self.group["params"]
        self.state = optimizer.state[self.params[0]]
        self.state.update({"func_evals": self.state.get("func_evals", 0), "n_iter": self.state.get("n_iter", 0)})

    def run(self, loss: float) -> None:
        """Iterate from where the closure has just been called."""
        group, state = self.group, self.state
        self.evaluations, self.loss, self.grad = 1, loss, self.gradient()
        state["func_evals"] += 1
        if _largest(self.grad) <= group["tolerance_grad"]:
            return
        for k in range(group["max_iter"]):
            state["n_iter"] += 1
            state["d"] = d = self.direction()
            state["prev_flat_grad"], state["prev_loss"] = self.grad, self.loss
            lr = float(group["lr"])
            t = min(1.0, 1.0 / float(self.grad.abs().sum())) * lr if state["n_iter"] == 1 else lr
            slope = _dot(self.grad, d)
            state["t"] = t
            if slope > -group["tolerance_change"] or self.advance(d, t, slope, last=k + 1 == group["max_iter"]):
                return

    def advance(self, d: Tensor, t: float, slope: float, *, last: bool) -> bool:
        """Make a step along a direction; whether it was the last one."""
        group, state = self.group, self.state
        before, parts = self.loss, self.parts(d)
        if group["line_search_fn"] is not None:
            count, t = self.searched(d, parts, t, slope)
        else:
            self.optimizer.move(parts, t)
            count = 0 if last else 1
            if not last:
                self.loss, self.grad = self.evaluate()
        state["t"] = t
        state["func_evals"] += count
        self.evaluations += count
        change = group["tolerance_change"]
        return (
            last
            or self.evaluations >= group["max_eval"]
            or _largest(self.grad) <= group["tolerance_grad"]
            or abs(t) * _largest(d) <= change
            or abs(self.loss - before) < change
        )

    def searched(self, d: Tensor, parts: list[Tensor], t: float, slope: float) -> tuple[int, float]:
        """Step by the length that the line search finds: the number of evaluations, and the length."""
        start = [p._read() for p in self.params]

        def evaluate(at: float) -> Point:
            self.optimizer.move(parts, at)
            loss, grad = self.evaluate()
            refuse_writes(self.params)
            become(self.params, tuple(start))
            return Point(at, loss, grad, _dot(grad, d))

        change, most = self.group["tolerance_change"], self.group["max_eval"] - self.evaluations
        found, count = search(evaluate, Point(0.0, self.loss, self.grad, slope), t, _largest(d), change, most)
        self.optimizer.move(parts, found.at)
        self.loss, self.grad = found.loss, found.grad
        return count, found.at

    def direction(self) -> Tensor:
        """-H · g, with the last step put into the memory first."""
        state, g = self.state, self.grad
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = _dot(y, s)
        ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
        if curvature > CURVED:
            for memory, x in ((ys, y), (ss, s), (ro, 1.0 / curvature)):
                memory[:] = [*memory, x][-self.group["history_size"] :]
            state["H_diag"] = curvature / _dot(y, y)
        weights = [0.0] * len(ys)
        q = -g
        for k in reversed(range(len(ys))):
            weights[k] = _dot(ss[k], q) * ro[k]
            q = q - weights[k] * ys[k]
        q = q * float(state["H_diag"])
        for k in range(len(ys)):
            q = q + (weights[k] - _dot(ys[k], q) * ro[k]) * ss[k]
        return q

    def evaluate(self) -> tuple[float, Tensor]:
        """The loss and the gradient at the parameters."""
        return _number(enable_grad().apply(self.closure)), self.gradient()

    def gradient(self) -> Tensor:
        """The gradients of all parameters as one vector, zero for those without one."""
        found = [g.to_dense() if type(g := gradient_of(p)) is SparseRows else g for p in self.params]
        both = zip(self.params, found, strict=True)
        return cat([_flat(zeros_like(p._read()).detach() if g is None else g) for p, g in both])

    def parts(self, d: Tensor) -> list[Tensor]:
        """The parts of a vector that belong to the parameters, in their shapes."""
        sizes = [p.numel() * (2 if p.dtype.is_complex else 1) for p in self.params]
        return [_shaped(x, p) for x, p in zip(split(d, sizes), self.params, strict=True)]


def _flat(x: Tensor) -> Tensor:
    return view_as_real(x).reshape(-1) if x.dtype.is_complex else x.reshape(-1)


def _shaped(x: Tensor, p: Var) -> Tensor:
    return view_as_complex(x.reshape(*p.shape, 2)) if p.dtype.is_complex else x.reshape(p.shape)


def _number(loss: Any) -> float:
    """A loss as a number."""
    return float(loss)


def _dot(x: Tensor, y: Tensor) -> float:
    return float((x * y).sum())


def _largest(x: Tensor) -> float:
    return float(x.abs().max())
