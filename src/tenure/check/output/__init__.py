"""Output forms for other programs. Text is rendered by `tenure.report`, report by report."""

from collections.abc import Iterable
from importlib import import_module

from tenure.diagnostic import Diagnostic

__all__ = ["FORMATS", "written"]

FORMATS = ("json", "sarif", "github")
"""JSON, SARIF 2.1.0, and annotations of GitHub Actions; each a module of this package, loaded when asked for."""


def written(form: str, found: Iterable[Diagnostic]) -> str:
    """The reports in one of the forms."""
    return str(import_module(f"tenure.check.output.{form}").document(found))
