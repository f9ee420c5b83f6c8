"""The engine: LLVM IR in, addresses of machine code out.

    library = engine().load(ir)                                     # text, or what prints as it
    library = engine().load(lambda: emit(program), key=structure)   # emitted only where no cache has it
    address = library.address("kernel")                             # callable as long as `library` lives

Code comes from memory, else from disk, else from LLVM: 3 µs, 0.3 ms or about 10 ms for a small kernel. It is loaded
into an ORC LLJIT as object code. An LLJIT keeps a stub of every library it ever had and walks them at each load, so
one serves a fixed number of loads, and goes with the last of its libraries: memory and time stay flat.
"""

import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import tenure
from tenure.compile.target import Target, choose_target, llvm, llvm_version
from tenure.errors import InternalError
from tenure.runtime.cache import DiskCache, MemoryCache, digest, source_fingerprint, unedited

__all__ = ["Counts", "Engine", "Library", "engine"]

FORMAT = "1"
LIBRARIES_IN_MEMORY = 512
LOADS_PER_JIT = 64
CONTEXT_LINES = 3

_lock = threading.RLock()
_dead: deque[Any] = deque()
_trackers: dict[Any, Any] = {}
"""Unloaders of libraries, called when the next one is loaded: no finalizer runs Python code, as an interrupt that
comes in one is lost."""


class Library:
    """Machine code loaded into this process; it is unloaded when this object dies, so hold it while it may run."""

    __slots__ = ("__weakref__", "_addresses", "size")

    def __init__(self, tracker: Any, addresses: Mapping[str, int], size: int) -> None:
        _trackers[weakref.ref(self, _dead.append)] = tracker
        self._addresses = addresses
        self.size = size
        """Bytes of object code."""

    def address(self, name: str) -> int:
        """The address of the function or variable `name` of the IR. Raises InternalError where it defines none."""
        try:
            return self._addresses[name]
        except KeyError:
            known = ", ".join(sorted(self._addresses)) or "nothing"
            raise InternalError(f"the compiled code has no {name!r}; it has {known}") from None

    def __contains__(self, name: str) -> bool:
        return name in self._addresses


@dataclass(slots=True)
class Counts:
    """Counts of an engine: libraries compiled, those of them at level 0, the seconds that took, and libraries taken
    from disk."""

    compiled: int = 0
    quick: int = 0
    seconds: float = 0.0
    from_disk: int = 0


class Engine:
    """Compiles and loads LLVM IR for one processor. All methods may be called from any thread, and after a fork.

    cpu: as `choose_target`. disk: where object code is kept between processes, or None; `spare` is a second place where
    it is looked for. passes: the level of LLVM's
    IR passes; 0, for none, is as fast to run and much faster to compile where the IR is written well.
    """

    def __init__(self, *, cpu: str | None = None, disk: DiskCache | None = None, passes: int = 0) -> None:
        self.counts = Counts()
        self.disk = disk
        self.spare: DiskCache | None = None
        self._passes = passes
        self._memory: MemoryCache[Library] = MemoryCache(LIBRARIES_IN_MEMORY)
        self._symbols: dict[str, tuple[int, object]] = {}
        self._suppliers: dict[str, Callable[[], tuple[int, object]]] = {}
        with exclusive():
            self.target: Target = choose_target(cpu)
            self._machine = self.target.machine()
            self._quick_machine: Any = None
            self._jit: Any = None
            self._loads = 0
        identity = (FORMAT, tenure.__version__, llvm_version(), self.target, passes)
        self._identity = repr(identity).encode()

    def define(self, name: str, address: int, owner: object = None) -> None:
        """Let IR that declares `name` reach `address`; `owner` is kept alive with the engine.

        A name has one address for good, as loaded code is bound to it: InternalError for another. What LLVM calls for
        its own instructions (memcpy, fmod; also sin, for llvm.sin) is the C library's, and needs no definition.
        """
        if self._symbols.setdefault(name, (address, owner))[0] != address:
            raise InternalError(f"the symbol {name!r} is defined already, at another address")

    def supply(self, name: str, supplier: Callable[[], tuple[int, object]]) -> None:
        """Let IR that declares `name` reach what `supplier()` gives, an address and its owner, when first asked for."""
        self._suppliers[name] = supplier

    def load(self, source: object, *, key: str | bytes | None = None, quick: bool = False) -> Library:
        """The library of `source`: IR as text, an object that prints as it, or a function that returns either.

        With `key`, which must say all that the IR depends on but Tenure's own source, `source` is neither called nor
        read where a cache has the code. The IR may hold no addresses: what it needs is declared, and `define`d here.
        `quick` generates code at level 0: in a quarter of the time, with the same bits, up to three times slower to
        run; its key is another one.
        Raises InternalError, with an excerpt, for IR that LLVM refuses or that declares what nobody defined.
        """
        if key is None:
            source = _text(source)
            name = digest(self._identity, b"ir", source.encode())
        else:
            name = self.name(key)
        library = self._memory.get(name)
        if library is None:
            with exclusive():
                library = self._memory.get(name) or self._revive(name) or self._build(name, source, quick)
                self._memory.put(name, library)
        return library

    def note(self, key: str, text: str) -> None:
        """Keep a line of text on disk for processes of the same source and processor."""
        self._keep(self._note_name(key), text.encode())

    def noted(self, key: str) -> str | None:
        """The text kept under a key."""
        found = self.disk.get(self._note_name(key)) if self.disk is not None else None
        return None if found is None else found.decode()

    def _note_name(self, key: str) -> bytes:
        return digest(self._identity, b"note", source_fingerprint(), key.encode())

    def found(self, name: bytes) -> Library | None:
        """The library of a `name` that `load` would take from a cache; None if it would compile."""
        library = self._memory.get(name)
        if library is None:
            with exclusive():
                library = self._revive(name)
            if library is not None:
                self._memory.put(name, library)
        return library

    def code(self, source: Callable[[], object], *, key: str | bytes) -> tuple[bytes, bytes]:
        """The name and content of the entry that `load` would put on disk, which is there now if the disk can."""
        name = self.name(key)
        payload = self.disk.get(name) if self.disk is not None else None
        if payload is None:
            text = _text(source)
            with exclusive():
                payload = self._compile(text)
            self._keep(name, payload)
        return name, payload

    def fingerprint(self) -> str:
        """Fingerprint of everything besides the key that code depends on: equal in processes that may share entries."""
        return self.name(b"").hex()

    def name(self, key: str | bytes) -> bytes:
        """The name under which caches keep the code of a key."""
        structure = key.encode() if isinstance(key, str) else key
        return digest(self._identity, b"key", source_fingerprint(), structure)

    def forget(self) -> None:
        """Empty the cache in memory; libraries that somebody holds stay loaded."""
        self._memory.clear()

    def _revive(self, name: bytes) -> Library | None:
        payload = next((p for disk in (self.disk, self.spare) if disk and (p := disk.get(name)) is not None), None)
        if payload is None:
            return None
        try:
            library = self._link(payload)
        except InternalError:  # compiled anew, which succeeds or says why not
            return None
        self.counts.from_disk += 1
        return library

    def _build(self, name: bytes, source: object, quick: bool) -> Library:
        start = perf_counter()
        payload = self._compile(_text(source), quick)
        library = self._link(payload)
        self.counts.compiled += 1
        self.counts.quick += quick
        self.counts.seconds += perf_counter() - start
        self._keep(name, payload)
        return library

    def _keep(self, name: bytes, payload: bytes) -> None:
        """Put an entry on disk, but none of code that was edited under the process."""
        if self.disk is not None and unedited():
            self.disk.put(name, payload)

    def _compile(self, text: str, quick: bool = False) -> bytes:
        # A context for each module: LLVM frees types and constants only with their context.
        with _explained(text), llvm().create_context() as context, llvm().parse_assembly(text, context) as module:
            module.verify()
            if self._passes:
                self._optimize(module)
            machine = self._at_level_0() if quick else self._machine
            return _pack(_defined(module), _declared(module), machine.emit_object(module))

    def _at_level_0(self) -> Any:
        self._quick_machine = self._quick_machine or self.target.machine(0)
        return self._quick_machine

    def _optimize(self, module: Any) -> None:
        module.triple = self.target.triple
        module.data_layout = str(self._machine.target_data)
        options = llvm().create_pipeline_tuning_options(speed_level=self._passes)
        builder = llvm().create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(module, builder)

    def _link(self, payload: bytes) -> Library:
        exports, imports, code = _unpack(payload)
        builder = llvm().JITLibraryBuilder().add_object_img(code)
        for name in imports:
            builder.import_symbol(name, self._symbol(name))
        for name in exports:
            builder.export_symbol(name)
        if self._jit is None or self._loads == LOADS_PER_JIT:
            jitlink = sys.platform != "win32"  # smaller in memory than LLVM's older linker
            self._jit = llvm().create_lljit_compiler(self._machine, use_jit_link=jitlink, suppress_errors=True)
            self._loads = 0
        self._loads += 1
        try:
            tracker = builder.link(self._jit, f"tenure.{self._loads}")
        except RuntimeError as error:
            raise InternalError(f"the compiled code cannot be loaded: {str(error).strip()}") from error
        return Library(tracker, {name: tracker[name] for name in exports}, len(code))

    def _symbol(self, name: str) -> int:
        if name not in self._symbols and name in self._suppliers:
            self.define(name, *self._suppliers[name]())
        if name not in self._symbols:
            raise InternalError(f"the compiled code needs the symbol {name!r}, which nobody defined")
        return self._symbols[name][0]


_engine: Engine | None = None


def engine() -> Engine:
    """The engine of this process, for its processor and cache as the environment says; made when first asked for."""
    global _engine
    if _engine is None:
        with exclusive():
            if _engine is None:
                _engine = Engine(disk=DiskCache.from_environment())
    return _engine


@contextmanager
def exclusive() -> Iterator[None]:
    """One thread at a time in LLVM, which also unloads what others dropped meanwhile."""
    with _lock:
        try:
            yield
        finally:
            _unload_dead()


def _unload_dead() -> None:
    with suppress(IndexError):
        while True:
            _trackers.pop(_dead.popleft()).close()


if hasattr(os, "register_at_fork"):  # a child must not inherit LLVM in the middle of something
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def _text(source: object) -> str:
    return str(source() if callable(source) else source)


def _defined(module: Any) -> list[str]:
    return [value.name for value in _values(module) if not value.is_declaration and value.linkage.name == "external"]


def _declared(module: Any) -> list[str]:
    return [value.name for value in _values(module) if value.is_declaration and not value.name.startswith("llvm.")]


def _values(module: Any) -> Iterator[Any]:
    yield from module.functions
    yield from module.global_variables


def _pack(exports: Iterable[str], imports: Iterable[str], code: bytes) -> bytes:
    names = "\n".join(("\0".join(exports), "\0".join(imports))).encode()
    return len(names).to_bytes(4, "little") + names + code


def _unpack(payload: bytes) -> tuple[list[str], list[str], bytes]:
    end = 4 + int.from_bytes(payload[:4], "little")
    exports, imports = (names.split("\0") if names else [] for names in payload[4:end].decode().split("\n"))
    return exports, imports, payload[end:]


@contextmanager
def _explained(text: str) -> Iterator[None]:
    """Turn LLVM's refusal of `text` into an InternalError that shows where."""
    try:
        yield
    except RuntimeError as error:
        said = [line for line in str(error).removeprefix("LLVM IR parsing error\n").splitlines() if line.strip()]
        notes = ["\n".join(("LLVM says", *said[1:]))] if len(said) > 1 else []
        notes += [f"in the IR\n{excerpt}" for excerpt in _excerpt(text.splitlines(), said)]
        message = f"LLVM refuses the generated code: {said[0] if said else 'without a reason'}"
        raise InternalError(message, notes=[(note, None) for note in notes]) from error


def _excerpt(lines: list[str], said: list[str]) -> Iterator[str]:
    """The lines around the one LLVM speaks of: by number (`<string>:7:3: error`), or quoted by the verifier."""
    _, _, position = said[0].partition("<string>:") if said else ("", "", "")
    number = position.partition(":")[0]
    if number.isdigit():
        at = int(number) - 1
    else:
        quoted = {line.strip() for line in said[1:]}
        at = next((i for i, line in enumerate(lines) if line.strip() in quoted), -1)
    if 0 <= at < len(lines):
        first = max(at - CONTEXT_LINES, 0)
        for_reader = enumerate(lines[first : at + CONTEXT_LINES + 1], first)
        yield "\n".join(f"{'>' if i == at else ' '}{i + 1:5} | {line}" for i, line in for_reader)
