"""The checked tree: its modules, the targets of their names, and the targets of imports."""

import ast
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tenure.check.inplace import works_in_place
from tenure.check.lower import function_of
from tenure.check.ops import Function
from tenure.check.scope import Scope, bound_names, decorator_names, default_of, parameters
from tenure.check.source import Source, parse, read

__all__ = ["ClassInfo", "Given", "Module", "Program", "Target", "top_of"]


@dataclass(slots=True, eq=False)
class ClassInfo:
    """A class of the checked tree, and its methods."""

    node: ast.ClassDef
    module: "Module"
    methods: dict[str, Function] = field(default_factory=dict)
    _attributes: dict[str, list[ast.expr]] | None = None
    _notes: "dict[str, Given] | None" = None
    _uses: dict[str, set[str]] | None = None
    _in_place: frozenset[str] | None = None

    @property
    def given(self) -> "dict[str, Given]":
        """The annotation or the parameter that stands for each attribute: `x: T`, `self.x = parameter`."""
        if self._notes is None:
            self._notes = _noted(self)
        return self._notes

    @property
    def uses(self) -> dict[str, set[str]]:
        """The methods that the class calls on each attribute of its instances."""
        if self._uses is None:
            self._uses = {}
            for call in self.module.body.scopes[self.node].everywhere(ast.Call):
                match call.func:
                    case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=name), attr=method):
                        self._uses.setdefault(name, set()).add(method)
        return self._uses

    @property
    def in_place(self) -> frozenset[str]:
        """The attributes that hold something made with `inplace=True`, or with a lone True."""
        if self._in_place is None:
            scope = self.module.body.scopes[self.node]
            pairs = [(name, one) for name, given in self.attributes.items() for one in given]
            self._in_place = frozenset(name for name, one in pairs if works_in_place(one, scope))
        return self._in_place

    @property
    def attributes(self) -> dict[str, list[ast.expr]]:
        """The expressions that the class body and `self.name = ...` assign to each attribute."""
        if self._attributes is None:
            self._attributes = {}
            for statement in _toplevel(self.node.body):
                match statement:
                    case ast.FunctionDef() | ast.AsyncFunctionDef():
                        _given(self._attributes, statement, self.module.body.scopes[statement])
                    case ast.Assign(targets=[ast.Name(id=name)], value=value):
                        self._attributes.setdefault(name, []).append(value)
        return self._attributes


@dataclass(frozen=True, slots=True)
class Given:
    """The source of an attribute: an annotation, or the default value of a parameter that is kept in it."""

    annotation: ast.expr | None
    default: ast.expr | None = None
    parameter: str = ""


Target = "str | Function | ClassInfo | Module"
"""The target of a name: a qualified name outside of the tree, or a definition within."""


@dataclass(slots=True, eq=False)
class Module:
    """A module: its body as a function, and the target of each of its names, where it is unique.

    `inner`: classes of its functions; `handing`, `passing`: methods that give out what they keep, or are given.
    """

    source: Source
    name: str
    body: Function
    imports: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ClassInfo] = field(default_factory=dict)
    inner: dict[ast.ClassDef, ClassInfo] = field(default_factory=dict)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    handing: frozenset[str] | None = None
    passing: frozenset[str] | None = None
    _libraries: frozenset[str] | None = None

    @property
    def libraries(self) -> frozenset[str]:
        """The packages that the module imports from."""
        if self._libraries is None:
            self._libraries = frozenset(map(top_of, self.imports.values()))
        return self._libraries

    def class_at(self, node: ast.ClassDef, parent: Function | None = None) -> ClassInfo | None:
        """The class that a definition makes, in the module or (`parent`) in a function."""
        info = self.classes.get(node.name)
        if info is None or info.node is not node:
            info = self.inner.get(node)
            if info is None and parent is not None and parent is not self.body:
                info = self.inner[node] = class_info(node, self, parent)
        return info

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        is_package = os.path.basename(self.source.path) == "__init__.py"
        return self.name if is_package else self.name.rpartition(".")[0]


class Program:
    """The files that are checked together. Those that imports lead to are parsed when first needed."""

    def __init__(self, files: Iterable[str]) -> None:
        self._paths = {module_name(path): path for path in reversed(list(files))}
        self._modules: dict[str, Module | None] = {}
        self._found: dict[tuple[object, ...], tuple[Any, set[str]]] = {}
        self.read: set[str] = set()

    def module(self, name: str) -> Module | None:
        """A module of the tree by its dotted name, or None."""
        path = self._paths.get(name)
        return None if path is None else self.open(path)

    def open(self, path: str, source: Source | None = None) -> Module | None:
        """The module in a file of the tree; None if it cannot be read or parsed."""
        self.read.add(path)
        if path not in self._modules:
            if source is None:
                text = read(path)
                parsed = parse(path, text) if isinstance(text, str) else None
                source = parsed if isinstance(parsed, Source) else None
            self._modules[path] = None if source is None else _index(source)
        return self._modules[path]

    def close(self) -> None:
        """Break reference cycles, so that the trees are freed at once."""
        for module in self._modules.values():
            if module is not None:
                for info in (*module.classes.values(), *module.inner.values()):
                    info.methods.clear()
                module.inner.clear()
                module.functions.clear()
                module.classes.clear()
                module.body.scopes.clear()
                module.body.home = module.body.marks = None
        self._found.clear()

    def lookup(self, module: Module, name: str, depth: int = 6) -> object:
        """The target of a module's name; None where it is unknown."""
        key = (module, name, depth)
        known = self._found.get(key) or self._find(key, lambda: self._lookup(module, name, depth))
        self.read |= known[1]
        return known[0]

    def _find(self, key: tuple[object, ...], find: Callable[[], object]) -> tuple[Any, set[str]]:
        """The result of a search, kept for the next time, with the files that were read for it."""
        outside, self.read = self.read, set()
        known = self._found[key] = find(), self.read
        self.read = outside
        return known

    def _lookup(self, module: Module, name: str, depth: int) -> object:
        if depth == 0:
            return None
        if name in module.functions:
            return module.functions[name]
        if name in module.classes:
            return module.classes[name]
        if name in module.imports:
            return self.follow(module.imports[name], depth)
        for star in module.stars:
            source = self.module(star)
            if source is not None and (found := self.lookup(source, name, depth - 1)) is not None:
                return found
        return None

    def follow(self, imported: str, depth: int = 6) -> object:
        """The target of "package.module:name" or "package.module"; a qualified name if it lies outside."""
        source, _, name = imported.partition(":")
        within = self.module(source)
        if not name:
            return source if within is None else within
        if within is not None:
            found = self.lookup(within, name, depth - 1)
            return found if found is not None else self.module(f"{source}.{name}")
        return self.module(f"{source}.{name}") or f"{source}.{name}"

    def attribute(self, target: object, name: str) -> object:
        """The target of `target.name`."""
        if isinstance(target, Module):
            found = self.lookup(target, name)
            return found if found is not None else self.module(f"{target.name}.{name}")
        if isinstance(target, str):
            return self.module(f"{target}.{name}") or f"{target}.{name}"
        return None

    def resolve(self, module: Module, node: ast.expr | None, local: Function | None = None) -> object:
        """The target of an expression made of names and attributes."""
        match node:
            case ast.Name(id=name):
                if local is not None and name in local.locals and local is not module.body:
                    return None
                found = self.lookup(module, name)
                bound = name in module.values or name in module.body.locals
                return found if found is not None or bound else f"builtins.{name}"
            case ast.Attribute(value=value, attr=name):
                return self.attribute(self.resolve(module, value, local), name)
            case ast.Constant(value=str(text)):
                try:
                    return self.resolve(module, ast.parse(text, mode="eval").body, local)
                except (SyntaxError, ValueError):
                    return None
        return None

    def bases(self, info: ClassInfo) -> list[Any]:
        """A class, those of the tree it derives from and, as qualified names, those outside, nearest first."""
        known = self._found.get((info,)) or self._find((info,), lambda: self._bases(info))
        self.read |= known[1]
        return list(known[0])

    def _bases(self, info: ClassInfo) -> list[object]:
        found: dict[object, None] = {}
        stack: list[object] = [info]
        while stack and len(found) < 32:
            at = stack.pop(0)
            if at not in found:
                found[at] = None
                if isinstance(at, ClassInfo):
                    stack += [self.resolve(at.module, base) for base in at.node.bases]
        return list(found)

    def find_method(self, info: ClassInfo, name: str) -> Function | None:
        """The method that a call on an instance reaches, if that lies in the tree."""
        for base in self.bases(info):
            if isinstance(base, ClassInfo) and name in base.methods:
                return base.methods[name]
        return None


@cache
def _is_package(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "__init__.py"))


def module_name(path: str) -> str:
    """The dotted name by which a file is imported: up to the topmost folder that is a package."""
    file = Path(os.path.abspath(path))
    parts = [] if file.name == "__init__.py" else [file.stem]
    folder = str(file.parent)
    while _is_package(folder):
        folder, part = os.path.split(folder)
        parts.append(part)
    return ".".join(reversed(parts))


def top_of(imported: str) -> str:
    """The package that an imported name belongs to."""
    return imported.partition(":")[0].partition(".")[0]


def _index(source: Source) -> Module:
    body = function_of(source.tree, None)
    module = Module(source, module_name(source.path), body)
    body.home = module
    for statement in _toplevel(source.tree.body):
        _bind(module, statement)
    for name in set(module.functions) | set(module.classes) | set(module.imports):
        if name in module.values:
            # Bound to more than one thing: nothing is certain of it.
            for table in (module.functions, module.classes):
                table.pop(name, None)
    return module


def _toplevel(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """A module's own statements, those under `if`, `try`, `with` and loops included."""
    for statement in statements:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _toplevel(getattr(statement, part, ()))
            for handler in getattr(statement, "handlers", ()):
                yield from _toplevel(handler.body)


def _bind(module: Module, statement: ast.stmt) -> None:
    match statement:
        case ast.Import():
            for alias in statement.names:
                top = alias.name.partition(".")[0]
                module.imports[alias.asname or top] = alias.name if alias.asname else top
        case ast.ImportFrom():
            source = absolute(module, statement)
            for alias in statement.names:
                if alias.name == "*":
                    module.stars.append(source)
                else:
                    module.imports[alias.asname or alias.name] = f"{source}:{alias.name}"
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            module.functions[statement.name] = function_of(statement, module.body)
        case ast.ClassDef():
            module.classes[statement.name] = class_info(statement, module, module.body)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                for node in ast.walk(target):
                    if isinstance(node, ast.Name):
                        module.values.setdefault(node.id, []).append(value if target is node else node)
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            module.values.setdefault(name, []).append(value)
        case ast.AugAssign(target=ast.Name(id=name)) | ast.For(target=ast.Name(id=name)):
            module.values.setdefault(name, []).append(ast.Name(name, ast.Load()))


def absolute(module: Module, statement: ast.ImportFrom) -> str:
    """The dotted name of the module that a `from` import names."""
    if not statement.level:
        return statement.module or ""
    package = module.package.split(".")
    package = package[: len(package) - statement.level + 1]
    return ".".join([*package, *([statement.module] if statement.module else [])])


def class_info(node: ast.ClassDef, module: Module, parent: Function) -> ClassInfo:
    """A class with its methods."""
    info = ClassInfo(node, module)
    for statement in _toplevel(node.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            made = function_of(statement, parent, node)
            # The method of a property's name is what reads it.
            changing = decorator_names(statement) & {"setter", "deleter"}
            info.methods[statement.name] = info.methods.get(statement.name, made) if changing else made
    return info


def _by_setters(info: ClassInfo, name: str) -> int:
    """The number of assignments to an attribute by setters of properties."""
    setters = [one for one in info.node.body if "setter" in decorator_names(one)]
    stored = (at for one in setters for at in info.module.body.scopes[one].of(ast.Attribute))
    return sum(at.attr == name and isinstance(at.ctx, ast.Store) for at in stored)


def _noted(info: ClassInfo) -> dict[str, Given]:
    """The attributes that an annotation, or one parameter alone, stands for."""
    found: dict[str, Given] = {}
    for statement in info.node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = Given(statement.annotation)
    for method in info.node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        arguments = {one.arg: one for one in parameters(method)}
        rebound: set[str] | None = None
        scope = info.module.body.scopes[method]
        for node in scope.of(ast.Assign, ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            match target, node.value:
                case ast.Attribute(value=ast.Name(id="self"), attr=name), _ if isinstance(node, ast.AnnAssign):
                    found.setdefault(name, Given(node.annotation))
                case ast.Attribute(value=ast.Name(id="self"), attr=name), ast.Name(id=given) if given in arguments:
                    rebound = bound_names(method.body) if rebound is None else rebound
                    if given not in rebound and len(info.attributes.get(name, ())) - _by_setters(info, name) == 1:
                        one = arguments[given]
                        found.setdefault(name, Given(one.annotation, default_of(method, one), given))
    return found


def _given(
    attributes: dict[str, list[ast.expr]], method: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
) -> None:
    if not method.args.args:
        return
    receiver = method.args.args[0].arg
    pairs = [(target, node.value) for node in scope.everywhere(ast.Assign) for target in node.targets]
    pairs += [(node.target, node.value) for node in scope.everywhere(ast.AnnAssign) if node.value is not None]
    for target, value in pairs:
        elements = target.elts if isinstance(target, ast.Tuple) else [target]
        for element in elements:
            match element:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == receiver:
                    given = value if element is target else ast.Name("_", ast.Load())
                    attributes.setdefault(attribute, []).append(given)
