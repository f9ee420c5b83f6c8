"""The language server: diagnostics with their related places, quick fixes, and hovers with the rule.

An open document is checked with the editor's text in its file's place, and so are the other open ones that it imports.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from lsprotocol import types as lsp
from pygls import uris
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from tenure import __version__
from tenure.check.discover import discover
from tenure.check.fix import ends
from tenure.check.pages import find, law_page, markdown
from tenure.check.rules import Rule
from tenure.check.session import of_file
from tenure.check.settings import Found, SettingsError
from tenure.check.source import showing
from tenure.cli import notebooks
from tenure.diagnostic import Diagnostic, Label, Span

__all__ = ["Editor", "made"]

_PAUSE = 0.15  # seconds without a keystroke before a document is checked


class Editor(LanguageServer):
    """The server, the files of its folders, and the reports of each open document."""

    def __init__(self, strict: bool) -> None:
        super().__init__("tenure", __version__, notebook_document_sync=notebooks.SYNC)
        self.strict = strict
        self.tree: list[str] = []
        self.reports: dict[str, list[Diagnostic]] = {}
        self.cells: dict[str, str] = {}  # the document of each cell of a notebook, by the path in its reports

    def look_around(self) -> None:
        """Find the files of the workspace, which imports lead to."""
        folders = [path for uri in self.workspace.folders if (path := uris.to_fs_path(uri))]
        root = self.workspace.root_path
        try:
            self.tree = discover(folders or ([root] if root else []), Found())
        except SettingsError:  # a folder that is gone
            self.tree = []

    def texts(self) -> dict[str, bytes]:
        """The text of each open document, by its file."""
        return {path_of(uri): doc.source.encode() for uri, doc in self.workspace.text_documents.items()}

    def found(self, path: str) -> list[Diagnostic]:
        """The reports of a file as it stands in the editor."""
        return of_file(path, self.tree, strict=self.strict)

    def check_notebook(self, uri: str) -> None:
        """Check a notebook, and publish the reports of its cells."""
        book = self.workspace.get_notebook_document(notebook_uri=uri)
        if book is None:
            return
        path = notebooks.file_of(path_of(uri))
        places = {f"{path}:cell {number}": cell.document for number, cell in enumerate(book.cells, 1)}
        self.cells = {place: cell for place, cell in self.cells.items() if not place.startswith(path)} | places
        with showing(self.texts() | {path: notebooks.text_of(self, book)}):
            found = self.found(path)
        for place, cell in places.items():
            self.reports[cell] = [one for one in found if one.primary.span.path == place]
            document = self.workspace.get_text_document(cell)
            shown = [self.shown(one, document) for one in self.reports[cell]]
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(cell, shown, document.version))

    def check(self, uri: str) -> None:
        """Check a document, and publish its reports."""
        book = self.workspace.get_notebook_document(cell_uri=uri)
        if book is not None:
            self.check_notebook(book.uri)
            return
        document = self.workspace.get_text_document(uri)
        path = path_of(uri)
        try:
            with showing(self.texts()):
                found = self.found(path)
        except SettingsError as error:
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, f"tenure: {error}"))
            return
        self.reports[uri] = found
        shown = [self.shown(one, document) for one in found]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, document.version))

    def shown(self, one: Diagnostic, document: TextDocument) -> lsp.Diagnostic:
        """A report as the editor takes it."""
        parts = [one.message, *one.notes, *([f"help: {one.help}"] if one.help is not None else [])]
        return lsp.Diagnostic(
            self.range(one.primary.span, document),
            "\n".join(parts),
            lsp.DiagnosticSeverity.Warning if one.tier == "strict" else lsp.DiagnosticSeverity.Error,
            one.code,
            source=f"tenure ({one.rule})",
            related_information=[self.related(label) for label in one.labels],
        )

    def related(self, label: Label) -> lsp.DiagnosticRelatedInformation:
        """A related place."""
        uri = next((uri for uri in self.reports if path_of(uri) == label.span.path), self.cells.get(label.span.path))
        uri = uri or uris.from_fs_path(label.span.path) or label.span.path
        document = self.workspace.get_text_document(uri)
        return lsp.DiagnosticRelatedInformation(
            lsp.Location(uri, self.range(label.span, document)), label.text or "see here"
        )

    def range(self, span: Span, document: TextDocument) -> lsp.Range:
        """A span in the units that the editor counts in."""
        place = lsp.Range(
            lsp.Position(span.line - 1, span.column), lsp.Position(span.end_line - 1, max(span.end_column, 0))
        )
        try:
            return self.workspace.position_codec.range_to_client_units(document.lines, place)
        except OSError:  # a file that is not open, and gone
            return place

    def fixes(self, uri: str, within: lsp.Range) -> Iterable[lsp.CodeAction]:
        """The quick fixes of the reports in a range: the proven edits, and the comment that suppresses a report."""
        document = self.workspace.get_text_document(uri)
        for one in self.reports.get(uri, ()):
            at = self.range(one.primary.span, document)
            if at.end < within.start or within.end < at.start:
                continue
            about = [self.shown(one, document)]
            with showing(self.texts()):
                proven = bool(one.edits) and ends(one, lambda: self.found(path_of(uri)))
            if proven:
                edits = [lsp.TextEdit(self.range(edit.span, document), edit.replacement) for edit in one.edits]
                yield _action(f"Fix {one.rule}", uri, edits, about, preferred=True)
            if one.code != "TN000":
                yield _action(f"Ignore {one.code} here", uri, [_comment(one, document)], about, preferred=False)


def made(*, strict: bool = False) -> Editor:
    """A server that is ready to start."""
    server = Editor(strict)
    _documents(server)
    notebooks.listen(server, _PAUSE)
    _answers(server)
    return server


def path_of(uri: str) -> str:
    """The file of a document; of one that has none, its name."""
    return (uris.to_fs_path(uri) if uri.startswith("file:") else None) or uri


def _documents(server: Editor) -> None:
    """Handlers of the news about documents."""

    @server.feature(lsp.INITIALIZED)
    def _(_: lsp.InitializedParams) -> None:
        server.look_around()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def _(given: lsp.DidOpenTextDocumentParams) -> None:
        server.check(given.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def _(given: lsp.DidChangeTextDocumentParams) -> None:
        uri, version = given.text_document.uri, given.text_document.version
        await asyncio.sleep(_PAUSE)
        document = server.workspace.text_documents.get(uri)
        if document is not None and document.version == version:
            server.check(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def _(given: lsp.DidSaveTextDocumentParams) -> None:
        server.look_around()
        for uri in list(server.reports):  # a document may import the saved one
            server.check(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def _(given: lsp.DidCloseTextDocumentParams) -> None:
        server.reports.pop(given.text_document.uri, None)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(given.text_document.uri, []))


def _answers(server: Editor) -> None:
    """Handlers of the questions about a place."""
    kinds = lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, kinds)
    def _(given: lsp.CodeActionParams) -> Sequence[lsp.CodeAction]:
        return list(server.fixes(given.text_document.uri, given.range))

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def _(given: lsp.HoverParams) -> lsp.Hover | None:
        uri, at = given.text_document.uri, given.position
        document = server.workspace.get_text_document(uri)
        places: Callable[[Diagnostic], lsp.Range] = lambda one: server.range(one.primary.span, document)  # noqa: E731
        for one in server.reports.get(uri, ()):
            place = places(one)
            if place.start <= at <= place.end:
                return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, _page(one)), place)
        return None


def _page(one: Diagnostic) -> str:
    """The page of a report's rule."""
    found = find(one.rule) or find(one.code)
    if isinstance(found, Rule):
        return markdown(found)
    return law_page(found) if found is not None else one.message


def _comment(one: Diagnostic, document: TextDocument) -> lsp.TextEdit:
    """The edit that ends a report's line with a comment that suppresses it."""
    line = one.primary.span.end_line - 1
    text = document.lines[line].rstrip("\r\n") if line < len(document.lines) else ""
    width = len(text.encode("utf-16-le")) // 2
    end = lsp.Position(line, width)
    return lsp.TextEdit(lsp.Range(end, end), f"  # tenure: ignore[{one.code}]")


def _action(
    title: str, uri: str, edits: Sequence[lsp.TextEdit], about: list[lsp.Diagnostic], *, preferred: bool
) -> lsp.CodeAction:
    change = lsp.WorkspaceEdit(changes={uri: list(edits)})
    return lsp.CodeAction(title, lsp.CodeActionKind.QuickFix, about, preferred, edit=change)
