"""The libraries that are compared: how each is started, fed, compiled and waited for.

Rows are written twice. ``plain`` rows are code in PyTorch's idiom, the same for Tenure and for PyTorch, with
``m.compile`` around what a user would give to torch.compile. ``pure`` rows are functions of arrays for JAX and
MLX, with ``m.jit`` around the whole step.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

FEW = 4096
"""Elements that are read faster than one of them is picked out."""


class Side:
    """A library. ``start`` imports it and sets its threads; ``wait`` returns when the results are there."""

    name = ""
    package = ""
    style = "plain"
    exact = True

    def start(self, threads: int) -> None:
        self.lib: Any = importlib.import_module(self.package)

    def version(self) -> str:
        return version(self.package)

    def compile(self, function: Any) -> Any:
        """What the library offers for compiling a function; here nothing."""
        return function

    def array(self, a: Any) -> Any:
        return self.lib.tensor(a)

    def leaf(self, a: Any) -> Any:
        return self.lib.tensor(a, requires_grad=True)

    def place(self, x: Any) -> Any:
        """A copy that can be written in place, in the graph."""
        return x.clone()

    def kept(self, x: Any) -> Any:
        """What was read of a place that is written before the gradient is computed."""
        return x

    def custom(self, function: Callable[[Any], Any], gradient: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A function with a rule of its own, which gives the cotangent of its argument."""
        raise NotImplementedError

    def permute(self, x: Any, *order: int) -> Any:
        return x.permute(*order)

    def adam(self, parameters: Any, lr: float) -> Any:
        return self.lib.optim.Adam(parameters, lr=lr)

    def wait(self, results: Sequence[Any]) -> None:
        pass

    def numpy(self, x: Any) -> Any:
        x = x.detach()
        return np.array((x.float() if "bfloat16" in str(x.dtype) else x).numpy())

    def reset(self) -> None:
        """Forget what the last row compiled."""

    def whole(self, bits: int) -> None:
        """Set how many bits whole numbers have, where that is a matter of the library and not of the array."""


class Tenure(Side):
    name = package = "tenure"

    def start(self, threads: int) -> None:
        os.environ["TENURE_NUM_THREADS"] = str(threads)
        super().start(threads)

    def version(self) -> str:
        return str(self.lib.__version__)

    def place(self, x: Any) -> Any:
        return x.clone().mut()

    def custom(self, function: Callable[[Any], Any], gradient: Callable[[Any], Any]) -> Callable[[Any], Any]:
        made: Callable[[Any], Any] = self.lib.custom_vjp(function)
        made.defvjp(lambda x: (function(x), ()), lambda _, g: (gradient(g),))  # type: ignore[attr-defined]
        return made

    def wait(self, results: Sequence[Any]) -> None:
        """A read of the first result: of the number that it is, of all of them where it is short, else of one: arrays
        leave as copies, which no other library makes. All results are held, so that all of them are computed."""
        first = results[0]
        if first.ndim == 0:
            first.item()
            return
        first = first.detach()
        if first.numel() <= FEW and first.dtype is not self.lib.bfloat16:
            first.numpy()
        else:
            first[(0,) * first.ndim].item()


class Torch(Side):
    name = package = "torch"

    def start(self, threads: int) -> None:
        super().start(threads)
        self.lib.set_num_threads(threads)

    def kept(self, x: Any) -> Any:
        return x.clone()

    def custom(self, function: Callable[[Any], Any], gradient: Callable[[Any], Any]) -> Callable[[Any], Any]:
        rules = {
            "forward": staticmethod(lambda context, x: function(x)),
            "backward": staticmethod(lambda context, g: gradient(g)),
        }
        made: Callable[[Any], Any] = type("Custom", (self.lib.autograd.Function,), rules).apply
        return made

    def adam(self, parameters: Any, lr: float) -> Any:
        """Its fastest form without compiling."""
        return self.lib.optim.Adam(parameters, lr=lr, fused=True)


class TorchCompile(Torch):
    name = "torch.compile"

    def compile(self, function: Any) -> Any:
        return self.lib.compile(function, dynamic=False)

    adam = Side.adam

    def reset(self) -> None:
        self.lib._dynamo.reset()


class Jax(Side):
    name = package = "jax"
    style = "pure"

    def start(self, threads: int) -> None:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        super().start(threads)
        self.np: Any = importlib.import_module("jax.numpy")
        self.erf: Any = importlib.import_module("jax.scipy.special").erf
        self.softmax = self.lib.nn.softmax
        self.sigmoid = self.lib.nn.sigmoid
        self.logsumexp = importlib.import_module("jax.scipy.special").logsumexp
        self.value_and_grad = self.lib.value_and_grad

    def jit(self, function: Callable[..., Any], donate: tuple[int, ...] = ()) -> Any:
        return self.lib.jit(function, donate_argnums=donate)

    def array(self, a: Any) -> Any:
        return self.np.array(a)

    leaf = array

    def whole(self, bits: int) -> None:
        self.lib.config.update("jax_enable_x64", bits == 64)

    def wait(self, results: Sequence[Any]) -> None:
        self.lib.block_until_ready(results)

    def numpy(self, x: Any) -> Any:
        return np.array(x)

    def permute(self, x: Any, *order: int) -> Any:
        return x.transpose(*order)

    def scan(self, step: Callable[..., Any], start: Any, xs: Any) -> Any:
        """The last state and the states in between of ``state, out = step(state, x)``."""
        return self.lib.lax.scan(step, start, xs)

    def set(self, u: Any, key: Any, v: Any) -> Any:
        return u.at[key].set(v)


class Mlx(Side):
    name = "mlx"
    package = "mlx.core"
    style = "pure"
    exact = False  # its sums over millions of elements are off by up to 3 %: shown, but no failure of the run

    def start(self, threads: int) -> None:
        super().start(threads)
        self.np = self.lib
        self.erf, self.softmax, self.sigmoid = self.lib.erf, self.lib.softmax, self.lib.sigmoid
        self.logsumexp = self.lib.logsumexp

    def value_and_grad(self, function: Callable[..., Any], argnums: Any = 0) -> Any:
        """The gradients as JAX gives them: for one number in a tuple, a tuple of one."""
        if argnums != (0,):
            return self.lib.value_and_grad(function, argnums)
        call = self.lib.value_and_grad(function)

        def both(*args: Any) -> Any:
            value, grad = call(*args)
            return value, (grad,)

        return both

    def version(self) -> str:
        return version("mlx")

    def jit(self, function: Callable[..., Any], donate: tuple[int, ...] = ()) -> Any:
        return self.lib.compile(function)

    def array(self, a: Any) -> Any:
        return self.lib.array(a)

    leaf = array

    def wait(self, results: Sequence[Any]) -> None:
        self.lib.eval(results)

    def numpy(self, x: Any) -> Any:
        return np.array(x)

    def permute(self, x: Any, *order: int) -> Any:
        return x.transpose(*order)

    def scan(self, step: Callable[..., Any], start: Any, xs: Any) -> Any:
        outs = []
        for k in range(xs.shape[0]):
            start, out = step(start, xs[k])
            outs.append(out)
        return start, self.lib.stack(outs)

    def set(self, u: Any, key: Any, v: Any) -> Any:
        u = u + 0
        u[key] = v
        return u


class Autograd(Side):
    """HIPS autograd: gradients of NumPy's functions, operation by operation."""

    name = package = "autograd"
    style = "pure"

    def start(self, threads: int) -> None:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(threads)
        super().start(threads)
        self.np: Any = importlib.import_module("autograd.numpy")

    def value_and_grad(self, function: Callable[..., Any], argnums: Any = 0) -> Any:
        """For one argument or a tuple of one."""
        single = argnums if isinstance(argnums, int) else argnums[0]
        call = self.lib.value_and_grad(function, single)

        def both(*args: Any) -> Any:
            value, grad = call(*args)
            return value, grad if isinstance(argnums, int) else (grad,)

        return both

    def jit(self, function: Callable[..., Any], donate: tuple[int, ...] = ()) -> Any:
        return function

    def array(self, a: Any) -> Any:
        return a

    leaf = array

    def numpy(self, x: Any) -> Any:
        return np.array(x)

    def set(self, u: Any, key: Any, v: Any) -> Any:
        raise NotImplementedError("autograd has no indexed writes")


SIDES: dict[str, type[Side]] = {s.name: s for s in (Tenure, Torch, TorchCompile, Jax, Mlx, Autograd)}
PEERS = tuple([name for name in SIDES if name != Autograd.name])
"""The sides of ``bench/peers.py``."""
