"""Real files, broken at random: by characters, tokens, bytes and encodings, and as trees that still parse."""

from __future__ import annotations

import ast
import io
import random
import sysconfig
import tokenize
from collections.abc import Callable
from pathlib import Path

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "latin-1",
    "utf-16",
    "utf-7",
    "cp037",
    "shift_jis",
    "rot13",
    "zlib_codec",
    "undefined",
)


def real_files(largest: int = 60_000) -> list[Path]:
    """Files of the standard library and of this project, sorted."""
    library = Path(sysconfig.get_path("stdlib"))
    ours = Path(__file__).parents[2]
    found = [
        *library.glob("*.py"),
        *library.glob("asyncio/*.py"),
        *ours.glob("src/**/*.py"),
        *ours.glob("tests/**/*.py"),
    ]
    return sorted(path for path in found if path.stat().st_size <= largest)


def mutate(text: str, draw: random.Random) -> bytes:
    """A broken version of a file."""
    change = draw.choice(CHANGES)
    try:
        return change(text, draw)
    except (tokenize.TokenError, SyntaxError, ValueError, IndexError, AttributeError, RecursionError):
        return text[: draw.randrange(len(text) + 1)].encode()


def _tokens(text: str, draw: random.Random) -> bytes:
    """Tokens left out, doubled and exchanged, where the lines have room for that."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    words = [(token.type, token.string) for token in tokens]
    for _ in range(draw.randint(1, 4)):
        i, j = draw.randrange(len(words)), draw.randrange(len(words))
        match draw.randrange(3):
            case 0:
                del words[i]
            case 1:
                words.insert(j, words[i])
            case _:
                words[i], words[j] = words[j], words[i]
    return tokenize.untokenize(words).encode()


def _lines(text: str, draw: random.Random) -> bytes:
    """Lines left out, doubled, moved and indented otherwise."""
    lines = text.splitlines()
    for _ in range(draw.randint(1, 6)):
        i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
        match draw.randrange(4):
            case 0:
                lines[i] = ""
            case 1:
                lines.insert(j, lines[i])
            case 2:
                lines[i] = " " * draw.randrange(13) + lines[i].lstrip()
            case _:
                lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines).encode()


def _characters(text: str, draw: random.Random) -> bytes:
    """Characters exchanged for others, also ones that no source has."""
    letters = list(text)
    for _ in range(draw.randint(1, 5)):
        letters[draw.randrange(len(letters))] = draw.choice("()[]{}:,=*@.\\\"'#\t\n\r\f\0é𝒳\u2028\ufeff")
    return "".join(letters).encode()


def _bytes(text: str, draw: random.Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(draw.randint(1, 5)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(data[: draw.randint(1, len(data))])


def _encoding(text: str, draw: random.Random) -> bytes:
    """An encoding, declared or not, that the bytes are in or not."""
    declared, true = draw.choice(ENCODINGS), draw.choice(ENCODINGS[:7])
    return f"# -*- coding: {declared} -*-\n{text}".encode(true, "replace")


def _tree(text: str, draw: random.Random) -> bytes:
    """Expressions, targets and statements of the file in each other's places; most of it still parses."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    expressions = [
        node for node in nodes if isinstance(node, ast.expr) and not isinstance(node, ast.Slice | ast.Starred)
    ]
    blocks = [block for node in nodes if isinstance(block := getattr(node, "body", None), list) and block]
    for _ in range(draw.randint(1, 12)):
        if draw.random() < 0.5 and expressions:
            place, other = draw.choice(expressions), draw.choice(expressions)
            if isinstance(getattr(place, "ctx", None), ast.Load) and not any(n is place for n in ast.walk(other)):
                place.__class__, place.__dict__ = other.__class__, {**place.__dict__, **other.__dict__}
        else:
            block, other_block = draw.choice(blocks), draw.choice(blocks)
            statement = draw.choice(other_block)
            if not any(getattr(n, "body", None) is block for n in ast.walk(statement)):
                block.insert(draw.randrange(len(block) + 1), statement)
    return ast.unparse(tree).encode()


CHANGES: tuple[Callable[[str, random.Random], bytes], ...] = (
    *(_tree, _tree, _tree, _tokens, _tokens, _lines, _characters, _bytes, _encoding),
)


DEEP: dict[str, Callable[[int], str]] = {
    "attributes": lambda deep: "x" + ".a" * deep,
    "calls": lambda deep: "f" + "()" * deep,
    "sums": lambda deep: "x = " + "+".join(["a"] * deep),
    "negations": lambda deep: "x = " + "not " * deep + "a",
    "brackets": lambda deep: "x = " + "[" * deep + "]" * deep,
    "subscripts": lambda deep: "x = a" + "[0]" * deep,
    "stores": lambda deep: "a" + "[0]" * deep + " = a" + ".b" * deep,
    "branches": lambda deep: "if a: pass\n" + "elif b: x = a\n" * deep,
    "conditions": lambda deep: "x = " + "a if b else " * deep + "c",
    "walruses": lambda deep: "x = " + "(a := " * deep + "b" + ")" * deep,
    "types": lambda deep: "x: " + "a[" * deep + "b" + "]" * deep + " = c",
}


def extremes() -> dict[str, str]:
    """Programs that are deep, wide or odd, by name."""
    wide = 5000
    body = "".join(f"{'    ' * i}for x{i} in x{i - 1}:\n" for i in range(1, 18)) + "    " * 18 + "x0.append(x17)\n"
    return {
        "empty": "",
        "blank": "\n\n\f\n",
        "null": "a = 1\0",
        "lambdas": "x = " + "lambda: " * 150 + "0",
        "loops": "x0 = []\n" + body,
        "functions": "".join(f"{' ' * i}def f{i}(x):\n" for i in range(90)) + " " * 90 + "x.append(f0)\n",
        "statements": "x = []\ny = x\n" + "y.append(x)\n" * (wide // 4),
        "names": "".join(f"x{i} = x{i - 1}\n" for i in range(1, wide)) + "x0.append(1)\n" + f"print(x{wide - 1})\n",
        "views": "import numpy as np\nx = np.zeros(9)\n"
        + "".join(f"v{i} = x[{i}:]\n" for i in range(wide // 5))
        + "x[:] = 1\n",
        "line": "x = [" + "0," * 50 * wide + "]",
        "recursion": """
def f(a, b):
    a.append(b)
    return g(b, a)
def g(a, b):
    return f(b, a)
x = f(x, x)
""",
        "star": "a, *b = *c, *d = e\nfor x, *y in [*a, *b]: y.append(*x, **y)\n",
        "delete": "x = []\nfor y in x:\n    del x, y\n    x.append(y)\n",
        "global": "def f():\n    global x\n    x = x\n    for x in x: x.append(x)\n",
        "scopes": """
class A:
    x = [y for y in x for x in y]
    def f(self, x=x):
        y = x
        return lambda x=x: y.append(x)
""",
        "jumps": """
while True:
    try:
        for x in x:
            continue
    finally:
        break
else:
    x.pop()
""",
        **{f"{name}, {deep} deep": form(deep) for name, form in DEEP.items() for deep in (90, 300, 900, 3000)},
        "outside": "return x\nyield x\nawait x\nbreak\ncontinue\nnonlocal x\n",
    }
