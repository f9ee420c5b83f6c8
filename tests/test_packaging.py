"""Built distributions: their contents and metadata, and the wheel installed where nothing else of Tenure is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import tenure

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[1]


def python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheel, built from the source distribution, and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    python("build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    found = sorted(folder.iterdir())
    assert [path.suffix for path in found] == [".whl", ".gz"]
    return found


def test_twine_has_nothing_to_say(built: list[Path]) -> None:
    assert python("twine", "--no-color", "check", "--strict", *map(str, built)).count("PASSED") == 2


def test_the_wheel_holds_the_package_and_its_licences(built: list[Path]) -> None:
    names = zipfile.ZipFile(built[0]).namelist()
    files = [path for path in (ROOT / "src" / "tenure").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    package = {path.relative_to(ROOT / "src").as_posix() for path in files}
    assert {name for name in names if name.startswith("tenure/")} == package
    assert {"tenure/py.typed", "tenure/__init__.pyi"} <= package
    licences = {path.name for path in ROOT.glob("LICENSE*")}
    assert {Path(name).name for name in names if "/licenses/" in name} == licences and len(licences) == 3


class Installed:
    """A fresh environment that holds the wheel and the dependencies that its metadata declares, and nothing else."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder)
        self.scripts, self.site = (
            Path(sysconfig.get_path(kind, "venv", vars={"base": str(folder), "platbase": str(folder)}))
            for kind in ("scripts", "purelib")
        )
        python("pip", "--python", str(self.scripts / "python"), "install", "--no-index", "--no-deps", str(wheel))
        for dependency in self._dependencies():
            files = metadata.distribution(dependency).files
            assert files is not None
            for top in {file.parts[0] for file in files} - {".."}:
                (self.site / top).symlink_to(metadata.distribution(dependency).locate_file(top))

    def _dependencies(self) -> Iterator[str]:
        (found,) = metadata.distributions(path=[str(self.site)], name="tenure")
        for line in found.requires or []:
            if "extra ==" not in line:
                yield re.match(r"[\w.-]+", line).group()  # type: ignore[union-attr]

    def run(self, command: str, *arguments: str, cwd: Path, code: int = 0) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        line = [str(self.scripts / command), *arguments]
        done = subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=environment)
        assert (done.returncode, done.stderr) == (code, ""), done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def installed(built: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("fresh"), built[0])


def test_the_installed_library_computes(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import tenure as tn\n"
        "w = tn.ones(3, requires_grad=True)\n"
        "(w @ w).backward()\n"
        "print(tn.__file__, w.grad.tolist())\n"
    )
    file, gradient = installed.run("python", "program.py", cwd=tmp_path).split(" ", 1)
    assert Path(file).is_relative_to(installed.site)
    assert gradient == "[2.0, 2.0, 2.0]\n"


def test_the_installed_commands_run(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "skips.py").write_text("xs = [1, 2]\nfor x in xs:\n    xs.remove(x)\n")
    assert installed.run("tenure", "--version", cwd=tmp_path) == f"tenure {tenure.__version__}\n"
    assert "modified-while-iterated" in installed.run("tenure", "check", ".", cwd=tmp_path, code=1)
    assert "z = tensor([5.1000], grad_fn=<MulBackward0>)" in installed.run("tenure", "demo", cwd=tmp_path)
