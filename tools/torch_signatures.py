"""Write the signatures of PyTorch's functions and methods, as its argument parser has them, from its library.

    python tools/torch_signatures.py > src/tenure/torch/messages/signatures.txt

A line a signature: a function's name, or a method's behind a dot, with its parameters. Functions that PyTorch writes in
Python have no such signature: of these a line says what they say of a first argument that is no tensor, as ``{}``.
"""

import inspect
import re
import types
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import tenure.torch as face

torch = import_module("torch")

LINE = re.compile(rb"(?<=\0)([A-Za-z]\w*)\(([ -~]*)\)(\|deprecated)?(?=\0)")
PREFIXES = ("linalg_", "fft_", "special_")
PARAMETER = re.compile(r"(?:^|, )(?:\*|[A-Z]\w*(?:\[\d+\])?\??|int64_t|double|bool\??|c10::\w+\??|std::\w+) ?\w*")
SELF = re.compile(r"(Tensor (input|self|A|condition)|TensorList \w+)\b")
METHODS_OF_CONDITION = {"where": ("Tensor condition, Tensor other", "Tensor condition, Scalar other")}


def main() -> None:
    """Print the table."""
    library = Path(str(torch.__file__)).parent / "lib" / "libtorch_python.so"
    lines = dict.fromkeys(shown(*found) for found in signatures(library.read_bytes()))
    print(*[line for line in lines if line], *said(), sep="\n")


def signatures(code: bytes) -> list[tuple[str, str, str]]:
    """Names, parameters and remarks of what looks like a signature."""
    found = []
    for m in LINE.finditer(code):
        name, parameters, remark = (g.decode() if g else "" for g in m.groups())
        if not parameters or PARAMETER.match(parameters):
            found.append((name, parameters, remark))
    return found


def shown(name: str, parameters: str, remark: str) -> str | None:
    """Lines of a signature of a function or a method that the face has."""
    is_method = parameters in METHODS_OF_CONDITION.get(name, ()) or not SELF.match(parameters)
    if is_method and hasattr(torch.Tensor, name):
        return f".{name}({parameters}){remark}" if hasattr(face.Tensor, name) else None
    if any(name.startswith(p) and there(getattr(face, p[:-1]), name.removeprefix(p)) for p in PREFIXES):
        return f"{name}({parameters}){remark}"
    places = (("", torch), ("F.", torch.nn.functional))
    return "\n".join(f"{at}{name}({parameters}){remark}" for at, place in places if built_in(place, name))


def built_in(place: types.ModuleType, name: str) -> bool:
    """Whether a function of PyTorch and of the face has a signature of the parser."""
    of_face = face if place is torch else face.nn.functional
    return there(of_face, name) and hasattr(place, name) and not isinstance(getattr(place, name), types.FunctionType)


def said() -> Iterator[str]:
    """What functions written in Python say of a first argument that is no tensor."""
    warnings.simplefilter("ignore")
    for place, prefix in ((torch.nn.functional, "F."), (torch, "")):
        for name, f in sorted(vars(place).items()):
            if isinstance(f, types.FunctionType) and name[0] != "_" and there(face if place is torch else
                                                                              face.nn.functional, name):
                error = None if name.endswith("softmax") else raised(f)
                if error is not None and "'str' object has no attribute" in str(error):
                    yield f"{prefix}{name} = {str(error).splitlines()[0].replace('str', '{}', 1)}"
                elif isinstance(error, TypeError) and " must be Tensor, not str" in str(error):
                    yield f"{prefix}{name} = {str(error).splitlines()[0].removesuffix('str')}{{}}"


def raised(f: types.FunctionType) -> Exception | None:
    """What a function raises of a text for its first argument, and tensors for the other ones that it needs."""
    try:
        needed = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty]
        if not needed or needed[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            return None
        f("a", *[torch.ones(3, 3) for _ in needed[1:]])
    except Exception as error:
        return error
    return None


def there(place: object, name: str) -> bool:
    """Whether a namespace of the face has a name."""
    try:
        return hasattr(place, name)
    except Exception:
        return False


if __name__ == "__main__":
    main()
