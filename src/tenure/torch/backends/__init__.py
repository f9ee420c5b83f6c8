"""``torch.backends``: switches of PyTorch's libraries, kept and without effect; what is available is the CPU."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


class Switches(ModuleType):
    """A backend: attributes that may be set, functions that say what is there."""

    def __init__(self, name: str, available: bool, **values: Any) -> None:
        super().__init__(f"tenure.torch.backends.{name}")
        vars(self).update(values)
        self.is_available = lambda: available
        sys.modules[self.__name__] = self

    @contextlib.contextmanager
    def _flags(self, **values: Any) -> Iterator[None]:
        before = {k: vars(self).get(k) for k in values}
        vars(self).update(values)
        try:
            yield
        finally:
            vars(self).update(before)


class Matmul:
    """Switches of products on a GPU."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    fp32_precision = "none"


cudnn = Switches(
    "cudnn", False, enabled=True, benchmark=False, deterministic=False, allow_tf32=True, benchmark_limit=10,
    version=lambda: None, is_acceptable=lambda tensor: False, CUDNN_TENSOR_DTYPES=set(),
)  # fmt: skip
cudnn.flags = cudnn._flags  # type: ignore[attr-defined]
_SDP = ("flash", "math", "mem_efficient", "cudnn")
cuda = Switches("cuda", False, matmul=Matmul(), is_built=lambda: False, preferred_linalg_library=lambda *a: "default")
for _name in _SDP:
    setattr(cuda, f"{_name}_sdp_enabled", lambda: True)
    setattr(cuda, f"enable_{_name}_sdp", lambda enabled: None)
cuda.sdp_kernel = contextlib.nullcontext  # type: ignore[attr-defined]
mps = Switches("mps", False, is_built=lambda: False, is_macos_or_newer=lambda major, minor: False)
mkl = Switches("mkl", False, verbose=contextlib.nullcontext)
mkldnn = Switches("mkldnn", False, enabled=True, verbose=contextlib.nullcontext, matmul=Matmul())
mkldnn.flags = mkldnn._flags  # type: ignore[attr-defined]
openmp = Switches("openmp", False)
opt_einsum = Switches("opt_einsum", False, enabled=True, strategy="auto")
xnnpack = Switches("xnnpack", False, enabled=False)
quantized = Switches("quantized", False, engine="none", supported_engines=["none"])
cpu = Switches("cpu", True, get_cpu_capability=lambda: "DEFAULT")
cusparselt = Switches("cusparselt", False)
__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum", "quantized", "xnnpack"]
