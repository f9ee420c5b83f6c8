"""`[tool.tenure.check]`: which file counts, what it may say, and the errors for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.check.settings import Found, Settings, SettingsError, load


def settings(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    found = load(str(path))
    assert found is not None
    return found


def test_everything(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "[tool.tenure.check]\n"
        "select = ['TN506', 'use-after-move']\n"
        "ignore = ['modified_while_iterated']\n"
        "strict = true\n"
        "exclude = ['generated', 'data/*.py']\n"
        "baseline = 'known.json'\n"
        "cache = false\n"
        "[tool.tenure.check.per-file-ignores]\n"
        "'tests/*' = ['view-read-after-write']\n",
    )
    assert (found.root, found.strict, found.baseline, found.cache) == (str(tmp_path), True, "known.json", False)
    path = str(tmp_path / "a.py")
    assert found.wants(path, "TN506", "alias-read-after-write")
    assert found.wants(path, "TN382", "use-after-move")
    assert not found.wants(path, "TN382", "iterator-consumed")
    assert not found.wants(path, "TN506", "modified-while-iterated")
    assert found.wants(path, "TN000", "syntax-error"), "what does not parse is always said"
    assert not found.wants(str(tmp_path / "tests" / "a.py"), "TN506", "view-read-after-write")
    assert found.excludes(str(tmp_path / "src" / "generated"))
    assert found.excludes(str(tmp_path / "data" / "a.py"))
    assert not found.excludes(str(tmp_path / "src" / "data" / "a.py"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selekt = []", "unknown key `selekt` in [tool.tenure.check]; did you mean 'select'?"),
        ("zzz = 1", "there are baseline, cache, exclude, ignore, per-file-ignores, select, strict"),
        ("select = 'TN506'", "`select`: must be a list of strings, not 'TN506'"),
        ("select = ['TN9999']", "`select`: there is no rule 'TN9999'"),
        ("ignore = ['use-after-moved']", "did you mean 'use-after-move'?"),
        ("strict = 1", "`strict`: must be true or false, not 1"),
        ("baseline = []", "`baseline`: must be a string"),
        ("exclude = [1]", "`exclude`: must be a list of strings"),
        ("per-file-ignores = ['a']", "`per-file-ignores`: must be a table"),
        ("select = [", "pyproject.toml: "),
    ],
)
def test_mistakes_are_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, f"[tool.tenure.check]\n{text}\n")
    assert said in str(caught.value)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


def test_a_table_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must be a table"):
        settings(tmp_path, "[tool.tenure]\ncheck = 3\n")


def test_the_nearest_file_with_settings_counts(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.tenure.check]\nignore = ['TN506']\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'tenure'\n")
    (tmp_path / "a" / "b" / "pyproject.toml").write_text("[tool.tenure.check]\nignore = ['TN382']\n")
    found = Found()
    assert found.of(str(tmp_path / "a" / "x.py")).ignore == {"TN506"}
    assert found.of(str(tmp_path / "a" / "b" / "c" / "x.py")).ignore == {"TN382"}
    assert load(str(tmp_path / "a" / "pyproject.toml")) is None
    assert load(str(tmp_path / "gone.toml")) is None
