"""What importing loads, and that the stub's public names exist."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tenure as tn
from tenure import _lazy

PUBLIC = _lazy._exports(tn.__file__)


def loaded_after(program: str) -> set[str]:
    """The top-level modules loaded once `program` has run in a fresh interpreter."""
    ending = "; import sys; print('\\n', *{name.partition('.')[0] for name in sys.modules})"
    output = subprocess.check_output([sys.executable, "-c", program + ending], text=True)
    return set(output.splitlines()[-1].split())


@pytest.mark.parametrize(
    "program",
    [
        "import tenure",
        "import tenure; dir(tenure)",
        "import tenure; tenure.ShapeError",
        "import tenure.codes, tenure.errors",
        "from tenure.cli.main import main; main(['rule']); main(['rule', 'TN506'])",
    ],
)
def test_no_numpy(program: str) -> None:
    assert not {"numpy", "llvmlite"} & loaded_after(program)


def test_annotations_load_nothing() -> None:
    program = "import sys, tenure as tn; tn.nn.Linear(1, 1)(tn.ones(1)).item(); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert not {"tenure.typing", "tenure.values.tensor.typing"} & set(loaded)


def test_code_from_disk_loads_no_compiler(tmp_path: Path) -> None:
    """Writers of code take some 50 ms to import: a process whose code is all in the cache does without."""
    program = "import sys, tenure as tn; f = lambda: (tn.ones(3) * 2).exp().sum().item(); f(); f(); print(*sys.modules)"
    environment = {**os.environ, "TENURE_CACHE_DIR": str(tmp_path)}
    runs = [
        set(subprocess.check_output([sys.executable, "-c", program], text=True, env=environment).split())
        for _ in range(2)
    ]
    writers = {f"tenure.compile.{name}" for name in ("elements", "generic_kernels", "pipeline", "fuse")}
    assert writers <= runs[0]
    assert not writers & runs[1]


def test_public_names() -> None:
    for name, module in PUBLIC.items():
        assert name in dir(tn)
        assert getattr(tn, name) is getattr(importlib.import_module(module), name), name
        assert vars(tn)[name] is getattr(tn, name), name


def test_the_stub_only_imports() -> None:
    """One name to a line and sorted, so that two people's rows rarely meet in one hunk."""
    stub = Path(tn.__file__).with_suffix(".pyi").read_text().splitlines()
    assert stub[-1] == "__version__: str"
    assert len(stub) == len(PUBLIC) + 2


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'tenure' has no attribute 'tensr'") as caught:
        _ = tn.tensr  # type: ignore[attr-defined]
    assert caught.value.obj is tn, "Python's own suggestion needs it"
    assert not hasattr(tn, "__wrapped__")


def test_a_subpackage_is_a_public_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lazy_package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from tenure import _lazy\n__getattr__, __dir__ = _lazy.attach(globals())"
    )
    (package / "__init__.pyi").write_text("from lazy_package import part as part")
    (package / "part.py").write_text("here = 1")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("lazy_package")
    assert "part" not in vars(module)
    assert module.part.here == 1
    assert "part" in dir(module)


THREADS = """
import random, sys, threading
sys.setswitchinterval(1e-6)
import tenure as tn
names, failures, gate = sorted(n for n in dir(tn) if not n.startswith("_")), [], threading.Barrier(8)
def use(k):
    order = random.Random(k).sample(names, len(names))
    gate.wait()
    try:
        for name in order:
            getattr(tn, name)
        assert (tn.ones(2) + k).tolist() == [1 + k] * 2
    except BaseException as error:
        failures.append(repr(error))
threads = [threading.Thread(target=use, args=(k,)) for k in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(failures[:1])
"""


def test_threads_that_use_the_package_first_at_once() -> None:
    ran = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout == "[]\n", ran.stderr
