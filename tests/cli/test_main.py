"""The command line, in this process and as a separate one."""

import subprocess
import sys
from pathlib import Path

import pytest

import tenure
from tenure.check.rules import RULES, Rule
from tenure.cli.main import main
from tenure.codes import LAWS


def tenure_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tenure", *arguments], capture_output=True, text=True)


def test_version() -> None:
    done = tenure_command("--version")
    assert (done.returncode, done.stdout) == (0, f"tenure {tenure.__version__}\n")


def test_rule_prints_one_law(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "TN506"]) == 0
    assert capsys.readouterr().out.startswith(
        "TN506: write-while-lent (Rust's E0506)\n"
        "\n"
        "A place is not written while it is lent as shared.\n"
        "\n"
        "help: write after the `with place.borrow()` block ends\n"
        "\n"
        "`tenure check` reports it by:\n"
    )


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_rule_prints_a_rule(rule: Rule, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", rule.name.upper().replace("-", "_")]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"{rule.code}: {rule.name}\n")
    for line in (rule.wrong + rule.right).splitlines():
        assert f"    {line}".rstrip() in page
    assert main(["rule", rule.code]) == 0
    assert rule.name in capsys.readouterr().out


def test_rule_takes_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "tn801"]) == 0
    assert capsys.readouterr().out.startswith("TN801: index-out-of-range\n")


def test_rule_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule"]) == 0
    lines = capsys.readouterr().out.splitlines()
    laws = [line.split()[:2] for line in lines if line.startswith("TN")]
    assert laws == [[law.code, law.name] for law in LAWS.values()]
    names = {law.name for law in LAWS.values()} | {line.strip() for line in lines}
    assert names >= {rule.name for rule in RULES}


def test_rule_refuses_an_unknown_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["rule", "TN999"])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "there is no law or rule 'TN999'" in message
    assert "TN382, " in message


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["run"]])
def test_mistakes_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: tenure" in capsys.readouterr().err


class TestRun:
    def test_runs_as_python_would(self, tmp_path: Path) -> None:
        (tmp_path / "beside.py").write_text("name = 'beside'")
        script = tmp_path / "script.py"
        script.write_text(
            "import sys, beside\n"
            "print(__name__, beside.name, __file__, *sys.argv)\n"
            "assert sys.modules['__main__'].__dict__ is globals()\n"
        )
        done = tenure_command("run", str(script), "--epochs", "3", "-v", "x")
        assert (done.stderr, done.returncode) == ("", 0)
        assert done.stdout == f"__main__ beside {script} {script} --epochs 3 -v x\n"

    def test_exit_code_is_the_scripts(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("raise SystemExit(7)")
        assert tenure_command("run", str(script)).returncode == 7

    def test_an_exception_is_reported_as_usual(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("x = {}\nx['missing']\n")
        done = tenure_command("run", str(script))
        assert done.returncode == 1
        assert f'File "{script}", line 2' in done.stderr
        assert "KeyError: 'missing'" in done.stderr

    def test_a_missing_script_is_a_mistake(self) -> None:
        done = tenure_command("run", "nowhere.py")
        assert done.returncode == 2
        assert "there is no file 'nowhere.py'" in done.stderr
        assert "Traceback" not in done.stderr


class TestExplain:
    TRAINING = (
        "import sys\n"
        "import tenure as tn\n"
        "w = tn.ones(50, requires_grad=True)\n"
        "for _ in range(20):\n"
        "    loss = (w * w).sum()\n"
        "    loss.backward()\n"
        "    w.data = w.data - 0.01 * w.grad\n"
        "    loss.item()\n"
        "print('trained', *sys.argv[1:])\n"
    )

    def test_the_program_of_the_loop_is_explained(self, tmp_path: Path) -> None:
        script, page = tmp_path / "script.py", tmp_path / "out.html"
        script.write_text(self.TRAINING)
        done = tenure_command("explain", str(script), "3", "--html", str(page))
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0] == "trained 3"
        assert lines[1].startswith("a program of ") and "one native call" in lines[1]
        assert "loss = (w * w).sum()" in done.stdout and "loss.backward()" in done.stdout
        assert lines[-1] == f"wrote {page}"
        assert "<svg" in page.read_text(encoding="utf-8")

    def test_exit_code_is_the_scripts(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(self.TRAINING + "raise SystemExit(7)\n")
        done = tenure_command("explain", str(script))
        assert done.returncode == 7
        assert "a program of " in done.stdout

    def test_a_script_that_runs_nothing(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("import tenure as tn\nx = tn.ones(3) * 2\n")
        done = tenure_command("explain", str(script))
        assert done.returncode == 2
        assert "no program has run" in done.stderr and "Traceback" not in done.stderr

    def test_a_missing_script_is_a_mistake(self) -> None:
        done = tenure_command("explain", "nowhere.py")
        assert done.returncode == 2
        assert "there is no file 'nowhere.py'" in done.stderr
