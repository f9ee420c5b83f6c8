"""The engine: what it loads runs, what LLVM refuses is explained, caches spare the compiler, and nothing leaks."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.compile import jit
from tenure.compile.jit import Engine, Library, engine
from tenure.compile.target import BASELINES, choose_target, llvm
from tenure.errors import InternalError, TenureError
from tenure.runtime.cache import DiskCache

Nullary = ctypes.CFUNCTYPE(ctypes.c_int64)


def constant(value: int) -> str:
    """IR of a function that returns `value`."""
    return f"define i64 @f() {{\n  ret i64 {value}\n}}\n"


def call(library: Library, name: str = "f") -> int:
    return int(Nullary(library.address(name))())


def run(program: str, *arguments: str, **environ: str) -> str:
    """What a fresh interpreter prints; it must end well and say nothing else."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments],
        env={**os.environ, "TENURE_CACHE": "0", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def bare() -> Engine:
    """An engine that keeps nothing on disk."""
    return Engine()


@pytest.fixture
def disk(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path)


class TestLoad:
    def test_text_and_what_prints_as_it(self, bare: Engine) -> None:
        with llvm().parse_assembly(constant(2)) as module:
            assert call(bare.load(module)) == 2
        assert call(bare.load(constant(1))) == 1

    def test_vectors(self, bare: Engine) -> None:
        library = bare.load(
            "define void @double(ptr %x) {\n"
            "  %v = load <16 x float>, ptr %x, align 4\n"
            "  %w = fadd <16 x float> %v, %v\n"
            "  store <16 x float> %w, ptr %x, align 4\n"
            "  ret void\n}"
        )
        data = (ctypes.c_float * 16)(*range(16))
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("double"))(ctypes.addressof(data))
        assert list(data) == [2.0 * i for i in range(16)]

    def test_only_what_is_external_has_an_address(self, bare: Engine) -> None:
        library = bare.load("define internal void @h() {\n  ret void\n}\n@g = global i64 7\n" + constant(3))
        assert ctypes.c_int64.from_address(library.address("g")).value == 7
        assert "f" in library
        assert "h" not in library
        with pytest.raises(InternalError, match="the compiled code has no 'h'; it has f, g"):
            library.address("h")

    def test_a_defined_symbol(self, bare: Engine) -> None:
        answer = Nullary(lambda: 42)
        address = ctypes.cast(answer, ctypes.c_void_p).value
        assert address is not None
        bare.define("answer", address, answer)
        bare.define("answer", address)
        text = "declare i64 @answer()\ndefine i64 @f() {\n  %x = call i64 @answer()\n  ret i64 %x\n}"
        assert call(bare.load(text)) == 42
        with pytest.raises(InternalError, match="the symbol 'answer' is defined already, at another address"):
            bare.define("answer", address + 8)

    def test_what_llvm_calls_by_itself(self, bare: Engine) -> None:
        library = bare.load(
            "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n"
            "define double @f(ptr %x, ptr %y, i64 %n, double %a, double %b) {\n"
            "  call void @llvm.memcpy.p0.p0.i64(ptr %x, ptr %y, i64 %n, i1 false)\n"
            "  %r = frem double %a, %b\n  ret double %r\n}"
        )
        source, target = ctypes.create_string_buffer(b"a" * 999), ctypes.create_string_buffer(1000)
        double, pointer = ctypes.c_double, ctypes.c_void_p
        function = ctypes.CFUNCTYPE(double, pointer, pointer, ctypes.c_int64, double, double)(library.address("f"))
        assert function(ctypes.addressof(target), ctypes.addressof(source), 1000, 7.5, 2.0) == 1.5
        assert target.value == source.value

    def test_a_library_outlives_its_engine(self) -> None:
        library = Engine().load(constant(5))
        assert call(library) == 5

    def test_one_engine_a_process(self) -> None:
        assert engine() is engine()

    def test_passes_keep_the_meaning(self) -> None:
        with_passes = Engine(passes=2)
        text = "define i64 @f() {\n  %p = alloca i64\n  store i64 8, ptr %p\n  %x = load i64, ptr %p\n  ret i64 %x\n}"
        assert call(with_passes.load(text)) == call(Engine().load(text)) == 8


class TestRefused:
    def test_what_does_not_parse(self, bare: Engine) -> None:
        with pytest.raises(InternalError) as error:
            bare.load("define i64 @f() {\n  %x = add i64 1, 2.0\n  ret i64 %x\n}\n")
        assert str(error.value) == (
            "LLVM refuses the generated code: <string>:2:19: error: floating point constant invalid for type\n"
            "  = note: LLVM says\n"
            "            %x = add i64 1, 2.0\n"
            "                            ^\n"
            "  = note: in the IR\n"
            "               1 | define i64 @f() {\n"
            "          >    2 |   %x = add i64 1, 2.0\n"
            "               3 |   ret i64 %x\n"
            "               4 | }"
        )

    def test_what_the_verifier_refuses(self, bare: Engine) -> None:
        with pytest.raises(InternalError) as error:
            bare.load(
                "define i64 @f(i1 %c) {\n  br i1 %c, label %a, label %b\n"
                "a:\n  %x = add i64 1, 2\n  br label %b\nb:\n  ret i64 %x\n}\n"
            )
        assert str(error.value) == (
            "LLVM refuses the generated code: Instruction does not dominate all uses!\n"
            "  = note: LLVM says\n"
            "            %x = add i64 1, 2\n"
            "            ret i64 %x\n"
            "  = note: in the IR\n"
            "               1 | define i64 @f(i1 %c) {\n"
            "               2 |   br i1 %c, label %a, label %b\n"
            "               3 | a:\n"
            "          >    4 |   %x = add i64 1, 2\n"
            "               5 |   br label %b\n"
            "               6 | b:\n"
            "               7 |   ret i64 %x"
        )

    @pytest.mark.parametrize("declared", ["declare void @malloc()", "@malloc = external global i8"])
    def test_a_symbol_nobody_defined(self, bare: Engine, declared: str) -> None:
        with pytest.raises(InternalError, match="needs the symbol 'malloc', which nobody defined"):
            bare.load(f"{declared}\n{constant(1)}")

    def test_the_engine_goes_on(self, bare: Engine) -> None:
        for _ in range(2 * jit.LOADS_PER_JIT):
            with pytest.raises(InternalError):
                bare.load("no IR")
        assert call(bare.load(constant(6))) == 6


class TestCaches:
    def test_memory_then_disk(self, disk: DiskCache) -> None:
        first, second = Engine(disk=disk), Engine(disk=disk)
        library = first.load(constant(1))
        assert first.load(constant(1)) is library
        assert call(second.load(constant(1))) == 1
        first.forget()
        assert call(first.load(constant(1))) == call(library) == 1
        assert (first.counts.compiled, first.counts.from_disk) == (1, 1)
        assert (second.counts.compiled, second.counts.from_disk) == (0, 1)
        assert first.counts.seconds > 0

    def test_with_a_key_nothing_is_emitted_twice(self, disk: DiskCache) -> None:
        def emit() -> str:
            emitted.append(1)
            return constant(4)

        emitted: list[int] = []
        one, two = Engine(disk=disk), Engine(disk=disk)
        assert one.load(emit, key="four") is one.load(emit, key=b"four")
        assert call(two.load(emit, key="four")) == 4
        assert len(emitted) == 1
        assert call(two.load(constant(5), key="five")) == 5

    def test_off(self, tmp_path: Path) -> None:
        program = (
            "from tenure.compile.jit import engine\n"
            "engine().load('define void @f() {\\n  ret void\\n}')\n"
            "print(engine().counts.compiled)"
        )
        for _ in range(2):
            assert run(program, TENURE_CACHE="0", TENURE_CACHE_DIR=str(tmp_path)) == "1\n"
        assert not list(tmp_path.iterdir())
        assert run(program, TENURE_CACHE="", TENURE_CACHE_DIR=str(tmp_path)) == "1\n"
        assert run(program, TENURE_CACHE="", TENURE_CACHE_DIR=str(tmp_path)) == "0\n"

    def test_a_corrupt_entry_is_compiled_again(self, disk: DiskCache) -> None:
        Engine(disk=disk).load(constant(7))
        (entry,) = Path(disk.folder).glob("*.tno")
        whole = entry.read_bytes()
        reader = Engine(disk=disk)
        positions = range(0, len(whole), len(whole) // 40)
        for position in positions:
            entry.write_bytes(whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :])
            reader.forget()
            assert call(reader.load(constant(7))) == 7
            assert entry.read_bytes() == whole
        assert (reader.counts.compiled, reader.counts.from_disk) == (len(positions), 0)

    def test_an_entry_that_does_not_link_is_compiled_again(self, disk: DiskCache) -> None:
        """A whole entry whose code is no object file: only a defect of ours would write one."""
        writer = Engine(disk=disk)
        writer.load(constant(7))
        (entry,) = Path(disk.folder).glob("*.tno")
        disk.put(bytes.fromhex(entry.stem), jit._pack(["f"], [], b"not an object"))
        reader = Engine(disk=disk)
        assert call(reader.load(constant(7))) == 7
        assert reader.counts.compiled == 1

    def test_another_version_or_cpu_is_foreign(self, disk: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
        def engines() -> list[Engine]:
            return [Engine(disk=disk), Engine(disk=disk, passes=1), *(Engine(cpu=cpu, disk=disk) for cpu in runnable())]

        def compiled() -> list[int]:
            loaded = engines()
            for each in loaded:
                assert call(each.load(constant(8))) == 8
            return [each.counts.compiled for each in loaded]

        assert set(compiled()) == {1}
        assert set(compiled()) == {0}
        monkeypatch.setattr(jit.tenure, "__version__", "99")
        assert set(compiled()) == {1}

    def test_the_source_belongs_to_a_structural_key(self, disk: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
        assert call(Engine(disk=disk).load(constant(1), key="k")) == 1
        monkeypatch.setattr(jit, "source_fingerprint", lambda: b"edited")
        assert call(Engine(disk=disk).load(constant(2), key="k")) == 2

    def test_processes_race(self, disk: DiskCache, tmp_path: Path) -> None:
        command = [sys.executable, "-c", RACER, str(tmp_path)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        outputs = [process.communicate(timeout=60)[0] for process in running]
        assert outputs == ["done\n"] * 2
        after = Engine(disk=disk)
        for i in range(40):
            assert call(after.load(constant(i))) == i
        assert after.counts.compiled == 0


RACER = """
import ctypes, sys
from tenure.runtime.cache import DiskCache
from tenure.compile.jit import Engine
engine = Engine(disk=DiskCache(sys.argv[1]))
for turn in range(3):
    for i in range(40):
        library = engine.load(f"define i64 @f() {{\\n  ret i64 {i}\\n}}\\n")
        assert ctypes.CFUNCTYPE(ctypes.c_int64)(library.address("f"))() == i
    engine.forget()
print("done")
"""


def runnable() -> list[str]:
    """The baselines that this machine can run."""

    def runs(cpu: str) -> bool:
        try:
            return bool(choose_target(cpu))
        except TenureError:
            return False

    return [cpu for cpu in BASELINES if runs(cpu)]


class TestTarget:
    def test_this_machine(self) -> None:
        target = choose_target("host")
        assert target.cpu == llvm().get_host_cpu_name()
        assert target.vector_bits in (128, 256, 512)

    def test_the_environment_chooses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TENURE_CPU", "pentium")
        with pytest.raises(TenureError, match="no CPU 'pentium' to generate code for") as error:
            choose_target()
        assert "TENURE_CPU is host, x86-64-v3, x86-64-v4" in str(error.value)
        for cpu in runnable():
            monkeypatch.setenv("TENURE_CPU", cpu)
            assert Engine().target.cpu == cpu

    def test_a_cpu_this_machine_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        has = dict.fromkeys(BASELINES["x86-64-v4"], True) | {"avx512bw": False}
        monkeypatch.setattr(llvm(), "get_host_cpu_features", lambda: has)
        assert choose_target("x86-64-v3").vector_bits == 256
        with pytest.raises(TenureError, match="this machine cannot run code for x86-64-v4: it has no avx512bw"):
            choose_target("x86-64-v4")

    def test_llvm_knows_no_features(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise RuntimeError("failed to get host cpu features.")

        monkeypatch.setattr(llvm(), "get_host_cpu_features", refuse)
        assert choose_target("host").vector_bits == 128

    def test_products_are_not_contracted(self) -> None:
        """x·x − y rounds twice on every target: with a fused multiply-add it would be 2⁻⁶⁰ here, not 0."""
        text = (
            "define double @f(double %x, double %y) {\n"
            "  %p = fmul double %x, %x\n  %d = fsub double %p, %y\n  ret double %d\n}"
        )
        x = 1 + 2.0**-30
        for cpu in ["host", *runnable()]:
            function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)
            library = Engine(cpu=cpu).load(text)
            assert function(library.address("f"))(x, x * x) == 0.0


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run work(0) … work(count-1) at once; the first error is raised here."""
    errors: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


class TestThreads:
    def test_each_library_is_compiled_once(self, disk: DiskCache) -> None:
        shared = Engine(disk=disk)

        def work(offset: int) -> None:
            for turn in range(3):
                for i in range(20):
                    value = (i + offset * 5) % 20
                    assert call(shared.load(constant(value))) == value, turn
                if offset == 0:
                    shared.forget()

        in_threads(4, work)
        assert shared.counts.compiled == 20

    def test_engines_side_by_side(self) -> None:
        def work(i: int) -> None:
            own = Engine()
            for value in range(10):
                assert call(own.load(constant(i * 100 + value))) == i * 100 + value

        in_threads(3, work)

    def test_neither_a_hit_nor_a_drop_waits_for_the_compiler(self, bare: Engine) -> None:
        held = [bare.load(constant(1)), bare.load(constant(90))]
        bare.forget()
        bare.load(constant(1))
        with jit._lock:
            in_threads(1, lambda _: held.clear())
            in_threads(1, lambda _: bare.load(constant(1)) and None)
            assert jit._dead
        bare.load(constant(91))
        assert not jit._dead


FORKER = """
import ctypes, os, signal, threading
from tenure.compile.jit import engine
def value(i):
    library = engine().load(f"define i64 @f() {{\\n  ret i64 {i}\\n}}\\n")
    return ctypes.CFUNCTYPE(ctypes.c_int64)(library.address("f"))()
held = engine().load("define i64 @f() {\\n  ret i64 -1\\n}\\n")
stop = threading.Event()
def compile_until_stopped(first):
    while not stop.is_set():
        value(first)
        first += 1
threads = [threading.Thread(target=compile_until_stopped, args=(10**6 * (i + 1),)) for i in range(2)]
for thread in threads:
    thread.start()
for i in range(12):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        good = value(i) == i and value(-1) == -1 and value(i + 100) == i + 100
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0, i
stop.set()
for thread in threads:
    thread.join()
print("done")
"""

LEAKER = """
import re, sys
from tenure.runtime.cache import DiskCache
from tenure.compile.jit import Engine
engine = Engine(disk=DiskCache(sys.argv[1]) if sys.argv[1] else None)
held = engine.load("define i64 @f() {\\n  ret i64 1\\n}\\n")
def measure(loads):
    for i in range(loads):
        name = "f" if sys.argv[1] else f"f{engine.counts.compiled}"
        engine.load(f"define i64 @{name}() {{\\n  ret i64 1\\n}}\\n")
        engine.forget()
    with open("/proc/self/status") as status, open("/proc/self/maps") as maps:
        return int(re.search(r"VmRSS:\\s*(\\d+)", status.read())[1]), len(maps.readlines())
loads = int(sys.argv[2])
(memory, maps), (later, more) = measure(loads // 4), measure(loads)
assert engine.counts.compiled == 1 if sys.argv[1] else engine.counts.compiled > loads
print(later - memory, more - maps)
"""


class TestProcess:
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
    def test_fork_while_others_compile(self) -> None:
        assert run(FORKER) == "done\n"

    @pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="reads Linux's /proc")
    @pytest.mark.parametrize("loads", [2000, 400], ids=["from disk", "compiled"])
    def test_memory_is_flat(self, tmp_path: Path, loads: int) -> None:
        """LLVM's own stubs would take 10 kB a load; a library that stays loaded, 44. The heap wavers by hundreds."""
        memory, maps = map(int, run(LEAKER, str(tmp_path) if loads == 2000 else "", str(loads)).split())
        assert memory < 4 * loads
        assert maps < 20

    def test_llvm_is_loaded_when_needed(self) -> None:
        program = "import sys, tenure.compile.jit; print('llvmlite' in sys.modules, 'numpy' in sys.modules)"
        assert run(program) == "False False\n"

    def test_a_process_that_ends_with_libraries_loaded_is_silent(self) -> None:
        program = (
            "from tenure.compile.jit import engine\n"
            "held = [engine().load(f'define i64 @f() {{\\n  ret i64 {i}\\n}}') for i in range(70)]\n"
            "class Cycle: pass\n"
            "cycle = Cycle(); cycle.me = cycle; cycle.library = held[0]"
        )
        assert run(program) == ""
