"""``tn.checked``: the annotations ``tn.Ref``, ``tn.Mut`` and ``tn.Own`` are kept for the time of a call."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.values.operations.boundary import array_of
from tenure.values.run import plan
from tests.values.test_borrows import line
from tests.values.test_loans import USES, WRITES, place, refused

if TYPE_CHECKING:
    from nowhere import Later


@tn.checked
def call_shared(x: tn.Ref[tn.Tensor], act: Any, *args: Any) -> Any:
    return act(x, *args)


@tn.checked
def call_exclusive(x: tn.Mut[tn.Tensor], act: Any, *args: Any) -> Any:
    return act(x, *args)


@tn.checked
def call_owning(x: tn.Own[tn.Tensor], act: Any, *args: Any) -> Any:
    return act(x, *args)


@pytest.mark.parametrize("write", [w for k, w in enumerate(WRITES) if k != 15])
def test_what_is_lent_as_shared_is_not_written(write: Any) -> None:
    v = place(1.5, 2.0, 3.0)
    with refused("TN594") as caught:
        call_shared(v, write)
    called = line(-1)
    assert "parameter `x` of call_shared()" in str(caught.value)
    assert caught.value.notes[0][1].line == called
    with refused("TN506") as caught:
        call_shared(v, lambda x: write(v))
    assert "parameter `x` of call_shared()" in str(caught.value)
    with pytest.raises(tn.WriteError, match="TN594"):
        call_shared(v.data, write)
    write(v)
    assert v._loans is None


@pytest.mark.parametrize("use", [u for k, u in enumerate(USES) if k not in (13, 28)])
def test_what_is_lent_is_used_as_the_place_is(use: Any) -> None:
    for v in (place(1.0, 2.0, 3.0), place(1.0, 2.0, 3.0).value, place(1.0, 2.0, 3.0, 4.0).data[:3]):
        wanted = use(v)
        for call in (call_shared, call_exclusive) if not isinstance(v, tn.Tensor) else (call_shared,):
            found = call(v, use)
            if isinstance(wanted, tn.Tensor):
                assert found.tolist() == wanted.tolist()
            elif isinstance(wanted, str | int | bool):
                assert found == wanted


def test_the_third_program() -> None:
    far = """
        from __future__ import annotations
        import tenure as tn

        @tn.checked
        def far(val: tn.Ref[tn.Tensor]) -> None:
            val.data = tn.tensor([11.0])
        a = [tn.tensor([1.0], requires_grad=True)]
        k = a[0]
        far(k)
    """
    source = textwrap.dedent(far)
    with pytest.raises(tn.WriteError, match="TN594") as caught:
        exec(compile(source, "<far>", "exec"), {})
    assert caught.value.at.line == 7 and caught.value.notes[0][1].line == 10
    assert "parameter `val` of far()" in str(caught.value)


def test_exclusive_for_the_call() -> None:
    v = place(1.0, 2.0, 3.0)
    old = v.data
    for k, write in enumerate(WRITES[:-5]):
        with pytest.raises(tn.BorrowError, match="TN503"):
            call_exclusive(v, lambda x, write=write: write(v))
        before = v.tolist()
        call_exclusive(v, write)
        assert v.tolist() != before or k > 0
    for use in USES:
        with refused("TN503") as caught:
            call_exclusive(v, lambda x, use=use: use(v))
        assert "parameter `x` of call_exclusive()" in str(caught.value)
    with refused("TN597"):
        old.zero_()


def test_exclusive_part() -> None:
    v = tn.arange(6.0).mut()
    window = v.data[1:4]
    call_exclusive(window, lambda x: x.mul_(10))
    with refused("TN503"):
        call_exclusive(window, lambda x: window.zero_())
    with refused("TN503"):
        call_exclusive(window, lambda x: v.sum())
    window[0] = 5.0
    with v.borrow_mut() as m:
        call_exclusive(m, lambda x: x.__iadd__(1))
        call_exclusive(m[:2], lambda x: call_exclusive(x, lambda y: y.zero_()))
        m[5] = 7.0
    assert v.tolist() == [0.0, 0.0, 21.0, 31.0, 5.0, 7.0]


def test_parts_and_a_place_that_is_parted() -> None:
    v = tn.zeros(4).mut()
    low, high = v.split_at_mut(2)
    call_exclusive(low, lambda x: call_shared(high, lambda y: x.add_(y + 1)))
    with refused("TN503"):
        call_exclusive(low, lambda x: v.sum())
    assert v.tolist() == [1.0, 1.0, 0.0, 0.0]
    call_exclusive(v, lambda x: x.__iadd__(1))
    with refused("TN597"):
        high.zero_()
    assert v.tolist() == [2.0, 2.0, 1.0, 1.0]


def test_what_cannot_be_written_is_not_passed_as_mut() -> None:
    with refused("TN594", notes=0) as caught:
        call_exclusive(tn.ones(2), lambda x: None)
    assert "parameter `x` of call_exclusive()" in str(caught.value)
    v = place(1.0)
    with v.borrow() as t:
        with refused("TN594"):
            call_exclusive(t, lambda x: None)
        with refused("TN502"):
            call_exclusive(v, lambda x: None)
        call_shared(t, lambda x: x + 1)
    with refused("TN594"):
        call_shared(v, lambda x: call_exclusive(x, lambda y: None))


def test_gradients_and_parameters_through_an_exclusive_parameter() -> None:
    @tn.checked
    def train(w: tn.Mut[tn.Tensor], steps: int) -> None:
        for _ in range(steps):
            w.grad = None
            (w * w).sum().backward()
            assert w.requires_grad and w.is_leaf and isinstance(w, tn.nn.Parameter)
            w.data -= 0.25 * w.grad
            with tn.no_grad():
                w -= 0.0

    w = tn.nn.Parameter(tn.tensor([4.0, 8.0]))
    train(w, 2)
    assert (w.tolist(), w.grad.tolist()) == ([1.0, 2.0], [4.0, 8.0])
    (w * 3).sum().backward()
    assert w.grad.tolist() == [7.0, 11.0]


def test_a_place_is_passed_twice() -> None:
    @tn.checked
    def both(a: tn.Mut[Any], b: tn.Mut[Any]) -> None:
        a += b

    @tn.checked
    def mixed(a: tn.Mut[Any], b: tn.Ref[Any]) -> None:
        a += b

    @tn.checked
    def shared(a: tn.Ref[Any], b: tn.Ref[Any]) -> Any:
        return a + b

    v = place(1.0)
    with refused("TN499") as caught:
        both(v, v)
    assert "parameter `a` of" in str(caught.value)
    for call in (lambda: mixed(v, v), lambda: mixed(b=v, a=v)):
        with refused("TN502") as caught:
            call()
        assert "parameter `b` of" in str(caught.value)
    assert shared(v, v).tolist() == [2.0]
    both(v, place(5.0))
    assert v.tolist() == [6.0] and v._loans is None


def test_owned() -> None:
    x, v, w = tn.ones(2), place(1.0, 2.0), tn.ones(2, requires_grad=True)
    for given in (x, v, w, place(1.0, 2.0).data):
        assert call_owning(given, lambda y: (y * 2).detach().tolist()) in ([2.0, 2.0], [2.0, 4.0])
        moved = line(-1)
        with refused("TN382") as caught:
            given + 1
        assert caught.value.notes[0][1].line == moved
    with refused("TN382"):
        call_owning(x, lambda y: None)
    v = place(1.0)
    with v.borrow() as t:
        with refused("TN506"):
            call_owning(v, lambda y: None)
        with refused("TN506"):
            call_owning(t, lambda y: None)
    for call in (call_shared, call_exclusive):
        with refused("TN506"):
            call(v, lambda x: tn.move(x))
    assert v.tolist() == [1.0]


def test_what_is_moved_in_is_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EXECUTOR", compile_program)

    @tn.checked
    def step(x: tn.Own[tn.Tensor]) -> Any:
        x = x * 2 + 1
        x.tolist()
        return x

    for _ in range(3):
        x = tn.rand((1 << 15) + 3)
        x.tolist()
        where = array_of(x).ctypes.data
        y = step(x)
        assert array_of(y).ctypes.data == where and "which was moved" in str(tn.explain())


def test_a_loan_is_over_after_the_call() -> None:
    v = place(1.0, 2.0)
    kept: list[Any] = []
    call_exclusive(v, lambda x: kept.extend((x, x.data, x.value)))
    call_shared(v, kept.append)
    stand_in, window, value, shared = kept
    v += 1
    for use in (lambda: stand_in + 1, lambda: stand_in.zero_(), lambda: window.zero_()):
        with refused("TN597"):
            use()
    assert (value.tolist(), shared.tolist(), window.tolist()) == ([1.0, 2.0],) * 3


def test_an_argument_that_is_returned_is_the_callers_own() -> None:
    @tn.checked
    def scaled(x: tn.Mut[tn.Tensor], y: tn.Ref[tn.Tensor]) -> Any:
        x *= y
        return x, [y, 1], x[0]

    v, u = place(2.0, 3.0), place(4.0, 5.0)
    x, (y, _), first = scaled(v, u)
    assert x is v and y is u and first.tolist() == 8.0
    x += y
    assert v.tolist() == [12.0, 20.0]


def test_an_exception_ends_the_loans() -> None:
    v = place(1.0)
    for call in (call_shared, call_exclusive):
        with pytest.raises(ZeroDivisionError):
            call(v, lambda x: 1 // 0)
    v += 1

    @tn.checked
    def two(a: tn.Ref[Any], b: tn.Mut[Any]) -> None: ...

    with refused("TN594", notes=0):
        two(v, tn.ones(1))
    v += 1
    assert v.tolist() == [3.0]


def test_containers() -> None:
    @tn.checked
    def total(xs: list[tn.Ref[tn.Tensor]], named: dict[str, tn.Ref[tn.Tensor]], pair: tuple[tn.Ref[Any], int]) -> Any:
        for write in (lambda: xs[0].zero_(), lambda: named["a"].zero_(), lambda: pair[0].zero_()):
            with refused("TN594"):
                write()
        return sum([*xs, *named.values(), pair[0]]).item() + pair[1]

    @tn.checked
    def fill(
        xs: tn.Mut[list[tn.Tensor]], more: tn.Mut[tn.Tensor] | None = None, *, last: tn.Mut[Any] | None = None
    ) -> None:
        for x in [*xs, more, last]:
            if x is not None:
                x.fill_(7.0)
        xs.append(xs[0])

    u, v, w = place(1.0), place(2.0), place(3.0)
    assert total([u, v], {"a": w}, (u, 4)) == 11.0
    xs = [u, v]
    fill(xs, last=w)
    assert [x.item() for x in (u, v, w)] == [7.0, 7.0, 7.0]
    assert len(xs) == 3 and xs[2] is u and xs[0] is u
    with refused("TN499"):
        fill([u, u])
    with refused("TN499"):
        fill([u], more=u)


def test_every_kind_of_parameter() -> None:
    @tn.checked
    def f(a: tn.Ref[Any], /, b: tn.Ref[Any] = 2, *rest: tn.Mut[Any], call: tn.Ref[Any] = 3, **more: tn.Own[Any]) -> Any:
        for x in rest:
            x += 1
        return [a, b, *rest, call, *more.values()]

    v, u, x = place(1.0), place(2.0), tn.ones(1)
    w = place(5.0)
    a, b, c, d, call, owned, n = f(v, v, u, w, call=5, x=x, n=6)
    assert a is b is v and c is u and d is w and (call, n) == (5, 6)
    assert [y.tolist() for y in (v, u, w, owned)] == [[1.0], [3.0], [6.0], [1.0]]
    with refused("TN382"):
        x + 1
    assert inspect.signature(f) == inspect.signature(f.__wrapped__) and f.__name__ == "f"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        f()
    with pytest.raises(TypeError):
        f(a=v)


def test_methods() -> None:
    @tn.checked
    class Model:
        def __init__(self) -> None:
            self.v = place(1.0)

        def method(self, x: tn.Ref[Any], other: Model) -> None:
            x.zero_()

        @classmethod
        def made(cls, x: tn.Ref[Any]) -> None:
            x.zero_()

        @staticmethod
        def plain(x: tn.Ref[Any]) -> None:
            x.zero_()

        def untouched(self, x: Any) -> None:
            x.zero_()

    model = Model()
    for call in (lambda: model.method(model.v, model), lambda: Model.made(model.v), lambda: Model.plain(model.v)):
        with refused("TN594") as caught:
            call()
        assert "parameter `x` of Model." in str(caught.value)
    model.untouched(model.v)

    class Other:
        @tn.checked
        def method(self, x: tn.Ref[Any], other: Other) -> None:
            x.zero_()

        @classmethod
        @tn.checked
        def made(cls, x: tn.Ref[Any]) -> None:
            x.zero_()

    for call in (lambda: Other().method(model.v, Other()), lambda: Other.made(model.v)):
        with refused("TN594"):
            call()


def test_a_function_that_calls_itself() -> None:
    @tn.checked
    def halve(x: tn.Mut[tn.Tensor], times: int) -> Any:
        if times == 0:
            return x
        x *= 0.5
        return halve(x, times - 1)

    v = place(8.0)
    assert halve(v, 3) is v and v.tolist() == [1.0]


def test_names_that_are_not_there() -> None:
    @tn.checked
    def f(x: tn.Ref[Later], y: Later, z: tn.Mut[Later] | None = None) -> None:
        x.zero_()

    v = place(1.0)
    with refused("TN594"):
        f(v, 1)
    with refused("TN502"):
        f(v, 1, v)
    with pytest.raises(tn.DTypeError, match="checked takes a function"):
        tn.checked(3)

    def plain(x: Any) -> None: ...

    assert tn.checked(plain) is plain


def test_a_generator_lends_until_it_ends() -> None:
    @tn.checked
    def walk(x: tn.Ref[Any], y: tn.Mut[Any]) -> Iterator[Any]:
        try:
            for _ in range(3):
                y += x
                if (yield y.item()) == "stop":
                    return "stopped"
        finally:
            y.fill_(-1.0)

    def free() -> None:
        v.__iadd__(0)
        u.__iadd__(0)

    v, u = place(1.0), place(0.0)
    g = walk(v, u)
    with refused("TN506"):
        v += 1
    with refused("TN503"):
        u + 1
    assert list(g) == [1.0, 2.0, 3.0] and u.item() == -1.0
    free()
    g = walk(v, u)
    del g
    free()
    g = walk(v, u)
    next(g)
    g.close()
    free()
    g = walk(v, u)
    assert next(g) == 0.0
    with pytest.raises(StopIteration, match="stopped"):
        g.send("stop")
    free()
    g = walk(v, u)
    next(g)
    with pytest.raises(KeyError):
        g.throw(KeyError)
    free()
    g = walk(v, u)
    with refused("TN499"):
        walk(v, u)
    del g
    free()


def test_async_functions_and_generators() -> None:
    v, u = place(1.0), place(0.0)
    seen: list[Any] = []

    @tn.checked
    async def read(x: tn.Ref[Any]) -> Any:
        await asyncio.sleep(0)
        with refused("TN594"):
            x.zero_()
        with refused("TN506"):
            v.zero_()
        return x.item()

    @tn.checked
    async def items(x: tn.Mut[Any]) -> AsyncIterator[Any]:
        for _ in range(3):
            x += 1
            try:
                seen.append((yield x.item()))
            except KeyError:
                seen.append("thrown")

    async def main() -> None:
        assert inspect.iscoroutinefunction(read) and inspect.isasyncgenfunction(items)
        assert await asyncio.gather(read(v), read(v)) == [1.0, 1.0]
        v.add_(0)
        async for x in items(u):
            with refused("TN503"):
                u + x
        g = items(u)
        await g.__anext__()
        assert await g.asend("sent") == 5.0
        assert await g.athrow(KeyError()) == 6.0
        await g.aclose()
        u.add_(0)
        task = asyncio.create_task(read(v))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        v.add_(0)

    asyncio.run(main())
    assert seen == [None, None, None, "sent", "thrown"] and u.item() == 6.0


PACKAGE = {
    "__init__.py": "import tenure as tn\ntn.check_package(__name__)\nfrom . import inner\n",
    "inner.py": '''
        from __future__ import annotations
        import functools
        import tenure as tn

        seen = []

        def register(f):
            seen.append(f)
            return f

        @register
        def write(x: tn.Ref[tn.Tensor]) -> None:
            x.data = x * 2          # the 13th line

        class Layer:
            @functools.lru_cache
            def __call__(self, x: "tn.Ref[tn.Tensor]") -> None:
                def within(y: tn.Mut[tn.Tensor]) -> None:
                    y += 1
                within(x)

        def untouched(x: tn.Tensor, names: str = "Ref") -> None:
            x.data = x * 2
    ''',
}
USER = '''
    import sys
    import tenure as tn
    {before}
    import {name}.inner as inner
    v = tn.ones(1).mut()
    inner.untouched(v)
    for call in (inner.write, inner.seen[0], inner.Layer()):
        try:
            call(v)
        except tn.WriteError as error:
            print(error.code, error.at.line if error.at.filename.endswith("inner.py") else "?")
    try:
        tn.check_package("json")
    except tn.TenureError as error:
        print("refused" if "imported already" in str(error) else error)
    print(v.tolist())
'''


@pytest.mark.parametrize("inside", [True, False])
def test_a_package_is_checked_as_it_is_imported(tmp_path: Path, inside: bool) -> None:
    folder = tmp_path / "checkedpkg"
    folder.mkdir()
    for name, text in PACKAGE.items():
        text = text if inside or name != "__init__.py" else "import json\n"
        (folder / name).write_text(textwrap.dedent(text).lstrip())
    before = "" if inside else 'tn.check_package("checkedpkg")'
    (tmp_path / "user.py").write_text("import json\n" + textwrap.dedent(USER).format(before=before, name="checkedpkg"))
    for _ in range(2):
        ran = subprocess.run([sys.executable, "user.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.stdout.splitlines() == ["TN594 13", "TN594 13", "TN594 20", "refused", "[2.0]"], ran.stderr
    plain = "import checkedpkg.inner as i, tenure as tn; v = tn.ones(1).mut(); i.write(v); print(v.tolist())"
    if not inside:
        ran = subprocess.run([sys.executable, "-c", plain], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.stdout == "[2.0]\n", ran.stderr


TYPED = """
import tenure as tn

@tn.checked
def f(x: tn.Ref[int], y: tn.Mut[str], z: tn.Own[list[int]]) -> str:
    reveal_type((x, y, z))
    return x

reveal_type(f)
f(1, "", [""])
"""


def test_type_checkers_see_the_type_in_the_brackets(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    (tmp_path / "typed.py").write_text(TYPED)
    source = str(Path(tn.__file__).parents[1])
    options = ["--config-file=", "--follow-imports=silent", f"--cache-dir={tmp_path}", str(tmp_path / "typed.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPYPATH", source)
        found, errors, _ = api.run(options)
    assert not errors
    found = found.replace("builtins.", "")
    assert 'Revealed type is "tuple[int, str, list[int]]"' in found
    assert 'Revealed type is "def (x: int, y: str, z: list[int]) -> str"' in found
    assert 'got "int", expected "str"' in found and "List item 0 has incompatible type" in found
