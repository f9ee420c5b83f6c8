"""Notebooks in the editor: their cells are documents, and are checked as one program, in order."""

import asyncio
import json
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from tenure.check.notebook import SUFFIX, is_notebook

if TYPE_CHECKING:
    from tenure.cli.server import Editor

__all__ = ["SYNC", "file_of", "listen", "text_of"]

SYNC = lsp.NotebookDocumentSyncOptions(
    [lsp.NotebookDocumentFilterWithCells([lsp.NotebookCellLanguage("python")], "*")], save=True
)
"""The notebooks that an editor is asked to send: all with cells in Python."""


def listen(server: "Editor", pause: float) -> None:
    """Add the handlers of the news about notebooks."""

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def _(given: lsp.DidOpenNotebookDocumentParams) -> None:
        server.check_notebook(given.notebook_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    async def _(given: lsp.DidChangeNotebookDocumentParams) -> None:
        uri, version = given.notebook_document.uri, given.notebook_document.version
        await asyncio.sleep(pause)
        book = server.workspace.get_notebook_document(notebook_uri=uri)
        if book is not None and book.version == version:
            server.check_notebook(uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def _(given: lsp.DidCloseNotebookDocumentParams) -> None:
        for cell in given.cell_text_documents:
            server.reports.pop(cell.uri, None)
            server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(cell.uri, []))


def file_of(path: str) -> str:
    """The file of a notebook; one that was never saved gets a name."""
    return path if is_notebook(path) else path + SUFFIX


def text_of(server: "Editor", book: lsp.NotebookDocument) -> bytes:
    """A notebook's text, as its file would have it."""
    documents, cells = server.workspace.text_documents, []
    for cell in book.cells:
        known = documents.get(cell.document)
        code = known is not None and cell.kind is lsp.NotebookCellKind.Code
        cells.append({"cell_type": "code" if code else "markdown", "source": known.source if known else ""})
    return json.dumps({"cells": cells}).encode()
