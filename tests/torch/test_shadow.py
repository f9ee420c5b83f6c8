"""Shadowing: in a process that asks for it ``import torch`` is the face, everywhere, and errors look as they should."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

SHOWN = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim, Tensor
from torch.nn import Linear
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import Parameter
from torch.utils.data import DataLoader
from torch.optim.lr_scheduler import _LRScheduler
import importlib.metadata, importlib.util
import pickle
from helper import library
assert torch.__name__ == "torch" and library is torch
assert all(sys.modules[f"torch.{n}"] is sys.modules[f"tenure.torch.{n}"] for n in ("nn", "optim", "nn.functional"))
assert sys.modules["torch"] is torch and torch.nn is nn and nn.functional is F and torch.optim is optim
assert issubclass(nn.BatchNorm2d, _BatchNorm) and nn.Linear is Linear and isinstance(torch.ones(1), Tensor)
assert importlib.metadata.version("torch").startswith("2.13.0") and torch.__version__.startswith("2.13.0")
assert importlib.util.find_spec("torch.nn") and importlib.util.find_spec("torch.utils.data")
layer = pickle.loads(pickle.dumps(Linear(2, 1)))
assert type(layer) is Linear and repr(type(layer)) == "<class 'torch.nn.modules.linear.Linear'>"
assert torch.cuda.is_available() is False and torch.cuda.device_count() == 0
try:
    import torch.not_a_module
except ModuleNotFoundError as error:
    print(error)
print(sys.argv, __name__, __file__ == sys.argv[0])
def f(x):
    raise ValueError(f"here {x}")
f(torch.ones(2).sum().item())
"""


def run(tmp_path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, timeout=300)


def test_a_script_sees_the_face_in_packages_too(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import torch as library\n")
    (tmp_path / "script.py").write_text(SHOWN)
    found = run(tmp_path, "-m", "tenure.torch", "script.py", "a", "--b")
    out = found.stdout.splitlines()
    assert len(out) == 2, found.stderr
    assert out[0].startswith("No module named 'torch.not_a_module' (this process runs PyTorch programs on Tenure")
    assert out[1] == "['script.py', 'a', '--b'] __main__ True"
    frames = [line for line in found.stderr.splitlines() if line.startswith("  File")]
    assert found.returncode == 1 and found.stderr.startswith("Traceback (most recent call last):\n")
    assert [line.split('"')[1].rsplit("/", 1)[-1] for line in frames] == ["script.py", "script.py"]
    assert found.stderr.endswith("ValueError: here 2.0\n")


def test_modules_strings_and_the_command(tmp_path: Path) -> None:
    source = "import torch, sys; print(torch.arange(3).sum().item(), sys.argv[1:])\n"
    (tmp_path / "prog.py").write_text(source)
    code = f"""
    from tenure.torch.launch import main
    print([main(["-m", "prog", "x"]), main(["-c", {source!r}, "y"]), main(["absent.py"]), main(["-c"])])
    main(["-c", "raise SystemExit(3)"])
    """
    found = run(tmp_path, "-c", dedent(code))
    assert (found.returncode, found.stdout) == (3, "3 ['x']\n3 ['y']\n[0, 0, 2, 2]\n"), found.stderr
    found = run(tmp_path, "-m", "tenure", "run", "--torch", "prog.py", "x")
    assert (found.returncode, found.stdout) == (0, "3 ['x']\n"), found.stderr


def test_install_refuses_where_pytorch_is_there(tmp_path: Path) -> None:
    """A module of the name ``torch`` that was imported before is not replaced."""
    (tmp_path / "torch.py").write_text("x = 1\n")
    code = """
    import torch
    import tenure.torch
    try:
        tenure.torch.install()
    except ImportError as error:
        print(error)
    assert torch.x == 1
    """
    found = run(tmp_path, "-c", dedent(code))
    assert found.stdout.startswith("PyTorch has been imported already (from "), found.stderr
