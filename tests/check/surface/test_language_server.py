"""The language server, by a client that speaks the protocol over pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")

BUG = "def f(xs: list):\n    s = '𝒳'; i = 0\n    for x in xs:\n        xs.remove(x)\n"


class Client:
    """An editor: requests, notifications, and what the server published."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tenure", "lsp", "--stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        self.folder, self.count = folder, 0
        self.published: dict[str, list[dict[str, Any]]] = {}
        capabilities = {"general": {"positionEncodings": ["utf-16"]}}
        self.answer = self.ask(
            "initialize", processId=None, rootUri=folder.as_uri(), capabilities=capabilities,
            workspaceFolders=[{"uri": folder.as_uri(), "name": "w"}],
        )  # fmt: skip
        self.tell("initialized")

    def tell(self, method: str, **params: object) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, **params: object) -> Any:
        self.count += 1
        self._send({"jsonrpc": "2.0", "id": self.count, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self.count and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def reports(self, uri: str, version: int) -> list[dict[str, Any]]:
        """What is published of a version of a document."""
        while True:
            message = self._read()
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                self.published[params["uri"]] = params["diagnostics"]
                if params["uri"] == uri and params.get("version", version) == version:
                    return list(params["diagnostics"])

    def open(self, name: str, text: str) -> str:
        uri = (self.folder / name).as_uri()
        self.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "python", "version": 1, "text": text})
        return uri

    def change(self, uri: str, version: int, text: str) -> None:
        document = {"uri": uri, "version": version}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    def close(self) -> int:
        self.ask("shutdown")
        self.tell("exit")
        return self.process.wait(20)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            assert line, "the server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    made = Client(tmp_path_factory.mktemp("workspace"))
    with made.process:  # closes the pipes and waits
        yield made
        made.process.kill()


def apply(text: str, edits: list[dict[str, Any]]) -> str:
    """A text with edits made, whose columns count UTF-16 units."""
    lines = text.split("\n")
    for edit in reversed(edits):
        start, end = edit["range"]["start"], edit["range"]["end"]
        assert start["line"] == end["line"]
        line = lines[start["line"]].encode("utf-16-le")
        cut = line[: 2 * start["character"]], line[2 * end["character"] :]
        lines[start["line"]] = (cut[0] + edit["newText"].encode("utf-16-le") + cut[1]).decode("utf-16-le")
    return "\n".join(lines)


def test_columns_count_in_the_editors_units_and_errors_of_syntax_are_reports(client: Client) -> None:
    uri = client.open("c.py", "xs = ['𝒳']\nfor x in xs: s = '𝒳𝒳'; xs.remove(x)\n")
    (one,) = client.reports(uri, 1)
    line = "for x in xs: s = '𝒳𝒳'; "
    assert one["range"]["start"] == {"line": 1, "character": len(line.encode("utf-16-le")) // 2}
    client.change(uri, 2, "x = (")
    (one,) = client.reports(uri, 2)
    assert one["code"] == "TN000"
    assert client.ask("textDocument/codeAction", textDocument={"uri": uri}, range=one["range"],
                      context={"diagnostics": [one]}) == []  # fmt: skip
    untitled = "untitled:Untitled-1"
    client.tell("textDocument/didOpen",
                textDocument={"uri": untitled, "languageId": "python", "version": 1, "text": BUG})  # fmt: skip
    assert len(client.reports(untitled, 1)) == 1


def test_imports_are_followed_into_other_files_and_unsaved_texts(client: Client) -> None:
    (client.folder / "helper.py").write_text("def drop(xs, x):\n    xs.remove(x)\n")
    client.tell("textDocument/didSave", textDocument={"uri": (client.folder / "helper.py").as_uri()})
    text = "from helper import drop\n\ndef f(xs: list):\n    for x in xs:\n        drop(xs, x)\n"
    uri = client.open("b.py", text)
    (one,) = client.reports(uri, 1)
    helper = (client.folder / "helper.py").as_uri()
    assert helper in {place["location"]["uri"] for place in one["relatedInformation"]}
    client.open("helper.py", "def drop(xs, x):\n    print(x)\n")
    assert client.reports(helper, 1) == []
    client.change(uri, 2, text + "\n")
    assert client.reports(uri, 2) == []


def test_cells_of_a_notebook_are_one_program(client: Client) -> None:
    """A report stands in its cell, with related places in others, and follows a change of one cell."""
    book = (client.folder / "book.ipynb").as_uri()
    texts = ["xs = [1, 2]", "# Words", "for x in xs:\n    xs.remove(x)"]
    cells = [f"vscode-notebook-cell:/book.ipynb#{number}" for number in range(3)]
    documents = [{"uri": cells[at], "languageId": "python", "version": 1, "text": texts[at]} for at in (0, 2)]
    kinds = [{"kind": 1 if at == 1 else 2, "document": cells[at]} for at in range(3)]
    about = {"uri": book, "notebookType": "jupyter-notebook", "version": 1, "cells": kinds}
    client.tell("notebookDocument/didOpen", notebookDocument=about, cellTextDocuments=documents)
    assert client.reports(cells[0], 1) == []
    (one,) = client.reports(cells[2], 1)
    assert one["range"]["start"] == {"line": 1, "character": 4} and "modified-while-iterated" in one["source"]
    hover = client.ask("textDocument/hover", textDocument={"uri": cells[2]}, position={"line": 1, "character": 5})
    assert "modified-while-iterated" in hover["contents"]["value"]
    new = {"document": {"uri": cells[2], "version": 2}, "changes": [{"text": "for x in list(xs):\n    xs.remove(x)"}]}
    client.tell("notebookDocument/didChange", notebookDocument={"uri": book, "version": 2},
                change={"cells": {"textContent": [new]}})  # fmt: skip
    assert client.reports(cells[2], 2) == []


def test_a_session(client: Client) -> None:  # the last with the client, which it ends
    """Reports with related places, a hover with the rule, quick fixes that end the report, and a close that clears."""
    assert client.answer["capabilities"]["hoverProvider"] and client.answer["capabilities"]["codeActionProvider"]
    uri = client.open("a.py", BUG)
    (one,) = client.reports(uri, 1)
    assert (one["code"], one["severity"]) == ("TN506", 1) and "modified-while-iterated" in one["source"]
    assert one["range"]["start"] == {"line": 3, "character": 8}
    assert {(place["location"]["uri"], place["location"]["range"]["start"]["line"]) for place in
            one["relatedInformation"]} == {(uri, 2)}  # fmt: skip
    hover = client.ask("textDocument/hover", textDocument={"uri": uri}, position={"line": 3, "character": 10})
    assert "## Wrong" in hover["contents"]["value"] and "modified-while-iterated" in hover["contents"]["value"]
    assert client.ask("textDocument/hover", textDocument={"uri": uri}, position={"line": 0, "character": 0}) is None
    actions = client.ask(
        "textDocument/codeAction", textDocument={"uri": uri}, range=one["range"], context={"diagnostics": [one]}
    )
    titles = [action["title"] for action in actions]
    assert titles == ["Fix modified-while-iterated", "Ignore TN506 here"] and actions[0]["isPreferred"]
    for version, action in enumerate(actions, 2):
        new = apply(BUG, action["edit"]["changes"][uri])
        assert new != BUG
        client.change(uri, version, new)
        assert client.reports(uri, version) == []
    client.tell("textDocument/didClose", textDocument={"uri": uri})
    assert client.reports(uri, 4) == []
    assert client.close() == 0


def test_without_pygls_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError('no', name='pygls')")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from tenure.cli.main import main; main(['lsp'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'tenure[lsp]'" in done.stderr
