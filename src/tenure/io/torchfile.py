"""``tn.save`` and ``tn.load``: PyTorch's file format, read and written without PyTorch."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, FileError, shown
from tenure.io import zips
from tenure.io.files import Source, damages, octets, reading, writing
from tenure.io.pickling import Pickler
from tenure.io.rebuild import Words
from tenure.io.storages import Storages
from tenure.io.unpickling import unpickle
from tenure.values.operations.creation import check_device
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from tenure.io.files import Readable, Writable

MAGIC = 0x1950A86A20F9469CFC6C
"""Number at the start of PyTorch's files before version 1.6."""
ALIGNMENT = 64
PROTOCOL = 2


def save(obj: Any, f: Writable, pickle_module: ModuleType | None = None, pickle_protocol: int = PROTOCOL) -> None:
    """Write tensors and plain data in PyTorch's file format, which ``torch.load`` reads too.

    Saved are tensors, parameters, numbers, str, bytes, None, dtypes, and dicts, lists, tuples and sets of them: a
    ``state_dict()``, or a dict of several. Names of one value or parameter stay so, and its elements are written once.
    A file given by its path is replaced as a whole, when all is on disk, or not at all. DTypeError (TN802) for a
    module and other objects that are no data, with where they lie; no code is saved, and ``pickle_module`` has no
    effect.

    >>> import io
    >>> f = io.BytesIO()
    >>> tn.save({"step": 3, "w": tn.ones(2)}, f)
    >>> tn.load(io.BytesIO(f.getvalue()))
    {'step': 3, 'w': tensor([1., 1.])}
    """
    if type(pickle_protocol) is not int or pickle_protocol != PROTOCOL:
        raise DTypeError(
            f"save: pickle_protocol is {PROTOCOL}, not {shown(pickle_protocol)}",
            help="it is what every version of PyTorch reads; leave the argument out",
        )
    _check_module("save", pickle_module)
    pickler = Pickler()
    data = pickler.dump(obj)
    with writing(f, "save") as file:
        archive = zips.Writer(file)
        archive.add("archive/data.pkl", [data])
        archive.add("archive/.format_version", [b"1"])
        archive.add("archive/.storage_alignment", [str(ALIGNMENT).encode()])
        archive.add("archive/byteorder", [b"little"])
        for k, array in enumerate(pickler.storages):
            archive.add(f"archive/data/{k}", [octets(array)], align=ALIGNMENT)
        archive.add("archive/version", [b"3\n"])
        archive.add("archive/.data/serialization_id", [b"%040d" % zlib.crc32(data)])
        archive.close()


def load(
    f: Readable,
    map_location: str | Mapping[str, str] | Callable[..., Any] | None = None,
    pickle_module: ModuleType | None = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
    verify: bool = True,
) -> Any:
    """The tensors and plain data of a file that ``tn.save`` or ``torch.save`` wrote, in any of PyTorch's formats.

    No code in the file is run, whatever the arguments: a class or function in it is FileError (TN805), and so is a
    file that is damaged, cut off, or says of itself what is not so. Tensors are values, ``nn.Parameter`` are
    parameters, what requires grad is a place. Views of one storage that show the same are one value, others are
    copies. Devices are the CPU: of ``map_location`` it is only checked that it does not ask for another. The bits of
    float8 dtypes are uint8. ``mmap`` is accepted, and a file is read in any case: what is written to it later would
    change values. ``verify=False`` leaves out checksums, for files that were written without.

    >>> import io, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.pt"
    >>> tn.save(nn.Linear(2, 1).state_dict(), path)
    >>> nn.Linear(2, 1).load_state_dict(tn.load(path, map_location="cpu"))
    <All keys matched successfully>
    """
    _check_module("load", pickle_module)
    return load_by(Words.of, f, map_location, weights_only, mmap, verify)


def load_by(
    words: Callable[[Source, Storages], Words], f: Readable, map_location: Any, weights_only: Any = True,
    mmap: Any = None, verify: Any = True,
) -> Any:  # fmt: skip
    """``load``, with a vocabulary that says what the names in a file mean."""
    flag("load: weights_only", weights_only)
    verify = flag("load: verify", verify)
    if mmap is not None:
        flag("load: mmap", mmap)
    _check_location(map_location)
    with reading(f, "load") as source, damages(source):
        if source.size == 0:
            raise source.wrong("it is empty")
        return _load_zip(source, verify, words) if zips.is_zip(source) else _load_legacy(source, words)


def _check_module(what: str, module: Any) -> None:
    if module is not None and not (hasattr(module, "loads") and hasattr(module, "dumps")):
        raise DTypeError(f"{what}: pickle_module is None or a module, not {shown(module)}", help="leave it out")


def _check_location(location: Any) -> None:
    """DTypeError for a device other than the CPU; a function that chooses one is not called."""
    if isinstance(location, dict):
        for wanted in location.values():
            check_device(wanted)
    elif not (callable(location) and not isinstance(location, type)):
        check_device(location)


def _load_zip(source: Source, verify: bool, make: Callable[[Source, Storages], Words]) -> Any:
    entries = zips.entries(source)
    pickles = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        npz = any(name.endswith(".npy") for name in entries)
        raise source.wrong(
            f"it is a zip archive with {len(pickles)} entries of the name data.pkl, and PyTorch's files have one",
            "use tn.io.load_npz for NumPy's files" if npz else None,
        )
    top = pickles[0].removesuffix("data.pkl")
    if f"{top}constants.pkl" in entries or f"{top}code/" in {name[: len(top) + 5] for name in entries}:
        raise source.wrong("it is a TorchScript program, which is code, not data")
    order = f"{top}byteorder"
    if order in entries and zips.content(source, entries[order], verify) != b"little":
        raise source.wrong("it was written on a machine of the other byte order")

    def entry(key: str) -> zips.Entry:
        found = entries.get(f"{top}data/{key}")
        if found is None:
            raise source.wrong(f"storage {key!r} is not there")
        return found

    storages = Storages(
        source,
        lambda key: entry(key).size,
        lambda key, into: zips.fill(source, entry(key), into, verify),
    )
    words = make(source, storages)
    data = zips.content(source, entries[pickles[0]], verify)
    return _finished(words, unpickle(source, io.BytesIO(data), words))


def _finished(words: Words, loaded: Any) -> Any:
    error = words.refuse_bare()
    if error is not None:
        raise error
    return loaded


def _load_legacy(source: Source, make: Callable[[Source, Storages], Words]) -> Any:
    """The format before 1.6: pickles one after the other, and the storages behind them.

    How long a storage is follows from its dtype, which only the pickle of the object says: that is read twice.
    """
    file = source.rest()
    first = Words(source, lambda *_: None)
    try:
        magic = unpickle(source, file, first)
    except FileError as error:
        raise source.wrong(f"it is none of PyTorch's files ({error.message.removeprefix(source.name)[2:]})") from None
    if magic != MAGIC:
        raise source.wrong("it is a pickle, and none of PyTorch's files", "use pickle, if you trust where it is from")
    version, system = unpickle(source, file, first), unpickle(source, file, first)
    if version != 1001 or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise source.wrong(f"it is of version {version!r} on a system {system!r}, which is not known")
    start = source.tell()
    unpickle(source, file, first)
    data = source.read(start, source.tell() - start)
    keys = unpickle(source, file, first)
    places = _legacy_places(source, keys, first)
    storages = Storages(
        source,
        lambda key: places[key][1],
        lambda key, into: [*source.chunks(places[key][0], into)].clear(),
    )
    words = make(source, storages)
    return _finished(words, unpickle(source, io.BytesIO(data), words))


def _legacy_places(source: Source, keys: Any, words: Words) -> dict[str, tuple[int, int]]:
    """Offset and bytes of each storage: a number of elements, then these."""
    sizes = {storage.key: storage.dtype.itemsize for storage in words.storages}
    if not isinstance(keys, list) or set(keys) != set(sizes) or len(keys) != len(sizes):
        raise source.wrong("its list of storages does not fit what its tensors view")
    places, at = {}, source.tell()
    for key in keys:
        count = int.from_bytes(source.read(at, 8), "little", signed=True)
        nbytes = count * sizes[key]
        if not 0 <= count <= source.size or at + 8 + nbytes > source.size:
            raise source.wrong(f"storage {key!r} of {count} elements does not fit in its {source.size} bytes")
        places[key] = (at + 8, nbytes)
        at += 8 + nbytes
    return places


