"""Extents: whole numbers of shapes and slices as symbols, for a program that serves many of them.

    n = Extents((37,)).symbols[0];  3 * n + 1        is 112, and remembers  s0*3 + 1
    n > 8                                            is true, and noted as a condition

An ``Extent`` is an int with the value of an example, so that whatever computes with extents takes it as it is. What is
asked of it on the way (is it 1? is it less than that?) becomes a *condition*: what has been computed holds for all
extents that answer alike. Code that makes a plain number of one (``range``, ``array``) loses the symbol: so whoever
relies on symbols compares what came of them with other examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NoReturn

Monomial = tuple[int, ...]
"""Atoms, each as often as it is a factor, ascending."""
Form = tuple[tuple[Monomial, int], ...]
"""A sum of monomials with coefficients, ascending."""


class Extents:
    """Symbols with the values of an example, and the ``conditions`` that were met: source text, and the answer. Those
    of them that compare a sum with 0 are ``forms`` too."""

    def __init__(self, values: Sequence[int]) -> None:
        self.atoms = [f"s{k}" for k in range(len(values))]
        self.number = {text: k for k, text in enumerate(self.atoms)}
        self.conditions, self.forms = dict[str, bool](), dict[str, tuple[Form, str]]()
        self.names: dict[str, Callable[..., Any]] = {}
        self.symbols = [Extent.made(self, (((k,), 1),), value) for k, value in enumerate(values)]

    def atom(self, text: str, value: int) -> int:
        """A value that is no sum of products of others, as a factor of its own."""
        k = self.number.get(text)
        if k is None:
            k = self.number[text] = len(self.atoms)
            self.atoms.append(text)
        return Extent.made(self, (((k,), 1),), value)

    def call(self, function: Callable[..., Any], *args: int) -> Any:
        """The result of a function of extents: one number, an answer, or several numbers by their names. It is called
        for whatever values the symbols take."""
        name = function.__name__
        self.names[name] = function
        text = f"{name}({', '.join(map(source, args))})"
        found = function(*map(number, args))
        if isinstance(found, bool):
            return self.answer(text, found)
        if isinstance(found, int):
            return self.atom(text, found)
        return {key: self.atom(f"{text}[{key!r}]", value) for key, value in found.items()}

    def answer(self, text: str, value: bool, asked: tuple[Form, str] | None = None) -> bool:
        """Note a condition, which may compare a sum with 0; what it is in the example."""
        if asked is not None:
            self.forms[text] = asked
        return self.conditions.setdefault(text, value)

    def text(self, form: Form) -> str:
        """The source of a sum."""
        return " + ".join(["*".join([*[self.atoms[k] for k in factors], str(n)]) for factors, n in form]) or "0"

    def asked(self) -> list[str]:
        """The conditions as sources that are true."""
        return [f"({text})" if value else f"not ({text})" for text, value in self.conditions.items()]

    def holds(self) -> Callable[..., bool]:
        """The function of values of the symbols that says whether all conditions hold."""
        answers = self.function(" and ".join(self.asked()) or "True", {})

        def holds(*values: int) -> bool:
            try:
                return bool(answers(*values))
            except ArithmeticError:  # a divisor is 0 there
                return False

        return holds

    def function(
        self, source: str, names: Mapping[str, Any], given: Sequence[str] = (), before: Sequence[str] = ()
    ) -> Callable[..., Any]:
        """A function of values of the symbols, or of what is ``given``, by the source of its result and statements that
        come ``before``."""
        symbols = ", ".join(given or [text for text in self.atoms if text.isalnum()])
        known: dict[str, Any] = {**self.names, **names}
        body = "\n ".join([*before, f"return {source}"])
        exec(compile(f"def made({symbols}):\n {body}", __file__, "exec"), known)
        made: Callable[..., Any] = known["made"]
        return made


def form_of(x: int) -> Form:
    """A number as a sum."""
    return x.form if isinstance(x, Extent) else (((), x),) if x else ()


class Extent(int):
    """An int that remembers how it came from the symbols of ``extents``: as the sum ``form``."""

    extents: Extents
    form: Form

    @classmethod
    def made(cls, extents: Extents, form: Form, value: int) -> int:
        """The number of a form; a plain one if no symbol is left."""
        if not form or form[-1][0] == ():
            return value
        self = int.__new__(cls, value)
        self.extents, self.form = extents, form
        return self

    @property
    def text(self) -> str:
        """The source of its value."""
        return f"({self.extents.text(self.form)})"

    def __hash__(self) -> int:
        return hash((id(self.extents), self.form))

    def __repr__(self) -> str:
        return f"{plain(self)}@{id(self.extents)}{self.text}"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def _sum(self, other: int, sign: int) -> int:
        found = dict(self.form)
        for factors, n in form_of(other):
            found[factors] = found.get(factors, 0) + sign * n
        form = tuple(sorted([(factors, n) for factors, n in found.items() if n]))
        return Extent.made(self.extents, form, plain(self) + sign * plain(other))

    def __add__(self, other: Any) -> Any:
        return self._sum(other, 1) if isinstance(other, int) else Ratio.of(self) + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._sum(other, -1) if isinstance(other, int) else Ratio.of(self) - other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __neg__(self) -> int:
        return Extent.made(self.extents, tuple([(factors, -n) for factors, n in self.form]), -plain(self))

    def __pos__(self) -> int:
        return self

    def __abs__(self) -> int:
        return self if self >= 0 else -self

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented if not isinstance(other, float) else Ratio.of(self) * other
        found: dict[Monomial, int] = {}
        for factors, n in self.form:
            for more, m in form_of(other):
                both = tuple(sorted(factors + more))
                found[both] = found.get(both, 0) + n * m
        form = tuple(sorted([(factors, n) for factors, n in found.items() if n]))
        return Extent.made(self.extents, form, plain(self) * plain(other))

    __rmul__ = __mul__

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        if type(other) is int and other >= 0 and modulo is None:
            return prod([self] * other)
        return Ratio.of(self) ** other

    def __floordiv__(self, other: Any) -> Any:
        return divided(self.extents, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return divided(self.extents, other, self)

    def __mod__(self, other: Any) -> Any:
        return self - other * (self // other)

    def __rmod__(self, other: Any) -> Any:
        return other - self * (other // self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __rshift__(self, other: Any) -> Any:
        return self // (1 << other)

    def __truediv__(self, other: Any) -> Any:
        return Ratio.of(self) / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / Ratio.of(self)

    def _asked(self, sign: str, other: Any, value: bool) -> bool:
        less = self - other
        if not isinstance(less, Extent):
            return self.extents.answer(f"{less.text} {sign} 0", value) if isinstance(less, Ratio) else value
        return self.extents.answer(f"{self.extents.text(less.form)} {sign} 0", value, (less.form, sign))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and self._asked("==", other, plain(self) == number(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return self._asked("<", other, plain(self) < number(other))

    def __le__(self, other: Any) -> bool:
        return self._asked("<=", other, plain(self) <= number(other))

    def __gt__(self, other: Any) -> bool:
        return self._asked(">", other, plain(self) > number(other))

    def __ge__(self, other: Any) -> bool:
        return self._asked(">=", other, plain(self) >= number(other))

    def __bool__(self) -> bool:
        return self._asked("!=", 0, plain(self) != 0)

    def _lost(self, *_: Any) -> NoReturn:
        raise Lost("an extent is taken for bits")

    __int__ = __float__ = __trunc__ = __floor__ = __ceil__ = __round__ = _lost
    bit_length = bit_count = __lshift__ = __rlshift__ = __rrshift__ = __and__ = __rand__ = __or__ = __ror__ = _lost
    __xor__ = __rxor__ = __invert__ = to_bytes = _lost  # type: ignore[assignment]


class Lost(Exception):
    """Error: a result of extents that no program can be given."""


def divided(extents: Extents, x: int, y: int) -> int:
    """Whole part of a quotient: a sum where the division leaves none of its terms over."""
    if not isinstance(x, int) or not isinstance(y, int):
        raise Lost("an extent is divided by what is no whole number")
    by = form_of(y)
    if len(by) == 1:
        (divisor, m), left = by[0], []
        for factors, n in form_of(x):
            rest = without(factors, divisor)
            if rest is None or n % m:
                break
            left.append((rest, n // m))
        else:
            return Extent.made(extents, tuple(sorted(left)), plain(x) // plain(y))
    return extents.atom(f"({source(x)} // {source(y)})", plain(x) // plain(y))


def without(factors: Monomial, divisor: Monomial) -> Monomial | None:
    """A product without some of its factors; None if it lacks one."""
    left = list(factors)
    for factor in divisor:
        if factor not in left:
            return None
        left.remove(factor)
    return tuple(left)


class Ratio(float):
    """A float that remembers how it came from extents: the source ``text``."""

    extents: Extents
    text: str

    @classmethod
    def made(cls, extents: Extents, text: str, value: float) -> Ratio:
        """The number of a source."""
        self = float.__new__(cls, value)
        self.extents, self.text = extents, f"({text})"
        return self

    @classmethod
    def of(cls, x: Extent) -> Ratio:
        """An extent as a float; it is divided as the int that it is."""
        return cls.made(x.extents, x.text, float(plain(x)))

    def __hash__(self) -> int:
        return hash((id(self.extents), self.text))

    def __repr__(self) -> str:
        return f"{float.__repr__(self)}@{id(self.extents)}{self.text}"

    __str__ = __repr__

    def _with(self, sign: str, other: Any, turned: bool) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        pair = (source(other), self.text) if turned else (self.text, source(other))
        values = (number(other), real(self)) if turned else (real(self), number(other))
        return Ratio.made(self.extents, f"{pair[0]} {sign} {pair[1]}", OPERATIONS[sign](*values))

    def __add__(self, other: Any) -> Any:
        return self._with("+", other, False)

    def __radd__(self, other: Any) -> Any:
        return self._with("+", other, True)

    def __sub__(self, other: Any) -> Any:
        return self._with("-", other, False)

    def __rsub__(self, other: Any) -> Any:
        return self._with("-", other, True)

    def __mul__(self, other: Any) -> Any:
        return self._with("*", other, False)

    def __rmul__(self, other: Any) -> Any:
        return self._with("*", other, True)

    def __truediv__(self, other: Any) -> Any:
        return self._with("/", other, False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("/", other, True)

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        return self._with("**", other, False)

    def __neg__(self) -> Any:
        return Ratio.made(self.extents, f"-{self.text}", -real(self))

    def _asked(self, sign: str, other: Any, value: bool) -> bool:
        if isinstance(other, Ratio) and other.text == self.text:
            return value
        return self.extents.answer(f"{self.text} {sign} {source(other)}", value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and self._asked("==", other, real(self) == number(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return self._asked("<", other, real(self) < number(other))

    def __le__(self, other: Any) -> bool:
        return self._asked("<=", other, real(self) <= number(other))

    def __gt__(self, other: Any) -> bool:
        return self._asked(">", other, real(self) > number(other))

    def __ge__(self, other: Any) -> bool:
        return self._asked(">=", other, real(self) >= number(other))

    def __bool__(self) -> bool:
        return self._asked("!=", 0, real(self) != 0)

    def _lost(self, *_: Any) -> NoReturn:
        raise Lost("a number made of extents is taken without them")

    __int__ = __float__ = __trunc__ = __floor__ = __ceil__ = __round__ = _lost


plain: Callable[[int], int] = int.__int__
real: Callable[[float], float] = float.__float__
"""Numbers without what they remember."""
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
}


def number(x: Any) -> Any:
    """The plain number of one that may have a source."""
    return plain(x) if isinstance(x, Extent) else real(x) if isinstance(x, Ratio) else x


def source(x: Any) -> str:
    """The source of a number, or of a tuple of such."""
    if isinstance(x, Extent | Ratio):
        return x.text
    if isinstance(x, tuple):
        return f"({''.join([f'{source(part)}, ' for part in x])})"
    return f"float({str(x)!r})" if isinstance(x, float) else f"({x!r})"


def called(function: Callable[..., Any], *args: int) -> Any:
    """A function of extents that is asked as a whole, not how it comes to its result (``Extents.call``)."""
    for x in args:
        if isinstance(x, Extent):
            return x.extents.call(function, *args)
    return function(*args)


def symbolic(x: Any) -> bool:
    """Whether a number has a source, or a part of a tuple."""
    return isinstance(x, Extent | Ratio) or (isinstance(x, tuple) and any(map(symbolic, x)))
