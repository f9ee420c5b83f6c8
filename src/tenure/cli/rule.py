"""`tenure rule`: a law or a rule of the checker, or the table of them."""

import argparse

from tenure.check.pages import find, index, law_page, rule_page
from tenure.check.rules import RULES, Rule
from tenure.check.settings import nearest
from tenure.codes import LAWS

__all__ = ["add_arguments", "command"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tenure rule`."""
    parser.add_argument("name", nargs="?", help="a code, such as TN506, or a name, such as modified-while-iterated")


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure rule`."""
    if arguments.name is None:
        print(*index(), sep="\n")
        return 0
    found = find(arguments.name)
    if found is None:
        names = [*LAWS, *(law.name for law in LAWS.values()), *(rule.name for rule in RULES)]
        hint = nearest(arguments.name, names)
        arguments.parser.error(f"there is no law or rule {arguments.name!r}{hint}; the laws are {', '.join(LAWS)}")
    else:
        print(rule_page(found) if isinstance(found, Rule) else law_page(found))
    return 0
