# Written by setuptools-tvm-ffi from the registry of the library. Do not edit.
# setuptools-tvm-ffi 0.1.0, apache-tvm-ffi 0.1.15.post2, registry 9258e5ad70c68893

"""The library, and what it registers under ``my_ffi_extension.``."""

from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from tvm_ffi import Array, Function, Map, Module, Object, Tensor
from typing import Any, ClassVar, Final, NoReturn, Protocol, TypeVar, type_check_only

__all__ = [
    "LIB",
    "Accumulator",
    "Series",
    "WeightedAccumulator",
    "find_prefix",
    "format_duration",
    "hex_decode",
    "hex_encode",
    "integrate",
    "join",
    "linspace",
    "most_common",
    "parse_duration",
    "tally",
    "to_list",
]

_Item = TypeVar("_Item", covariant=True)

@type_check_only
class _Sequence(Iterable[_Item], Protocol[_Item]):
    """A list, a tuple, or a sequence of tvm_ffi."""

    def __contains__(self, value: object, /) -> bool: ...
    def __reversed__(self) -> Iterator[_Item]: ...
    def __getitem__(self, index: slice, /) -> Sequence[_Item]: ...
    def __add__(self, other: NoReturn, /) -> object: ...

@type_check_only
class _SupportsDLPack(Protocol):
    """A tensor of any framework: it has ``__dlpack__``."""

    def __dlpack__(self) -> object: ...

@type_check_only
class _Library(Protocol):
    """The functions that the library exports."""

    def adler32(self, data: bytes | bytearray, start: int = 1) -> int:
        """adler32(data, start=1)

        Return the Adler-32 checksum of ``data`` (RFC 1950).

        Parameters
        ----------
        data : bytes
            What to add to the checksum.
        start : int
            1 for a new checksum, the last result to continue one.

        Returns
        -------
        int
            The checksum, from 0 to ``2**32 - 1``.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If ``start`` is out of range.
        """

    def scale(self, x: _SupportsDLPack, factor: float, out: _SupportsDLPack) -> None:
        """scale(x, factor, out)

        Write ``factor * x`` into ``out``.

        Parameters
        ----------
        x : Tensor
            A contiguous float32 or float64 tensor on the CPU, of any shape.
        factor : float
            What to multiply every element by.
        out : Tensor
            Where the result goes: same dtype and shape as ``x``, contiguous, on the CPU. It may be ``x``
            itself but must not overlap it in part.

        Raises
        ------
        TypeError
            If a dtype is not supported, or the dtypes differ.
        ValueError
            If shape, layout, device or memory of an argument does not fit.
        """

    def smoothstep(self, edge0: float, edge1: float, x: float, /) -> float:
        """smoothstep(edge0, edge1, x, /)

        Return 0 below ``edge0``, 1 above ``edge1``, and a smooth step in between.

        Parameters
        ----------
        edge0, edge1 : float
            Where the step begins and ends.
        x : float
            Where to evaluate it.

        Returns
        -------
        float
            ``t * t * (3 - 2 * t)`` for ``t = (x - edge0) / (edge1 - edge0)``, between 0 and 1.

        Raises
        ------
        ValueError
            Unless ``edge0 < edge1``.
        """

    @property
    def kind(self) -> str: ...

    @property
    def imports(self) -> list[Module]: ...

    def __getitem__(self, name: str, /) -> Function: ...

    def get_function(self, name: str, query_imports: bool = ...) -> Function: ...

    def get_function_doc(self, name: str, query_imports: bool = ...) -> str | None: ...

    def get_function_metadata(
        self, name: str, query_imports: bool = ...
    ) -> dict[str, Any] | None: ...

    def import_module(self, module: Module) -> None: ...

    def inspect_source(self, fmt: str = ...) -> str: ...

    def implements_function(self, name: str, query_imports: bool = ...) -> bool: ...

LIB: Final[_Library]

@type_check_only
class _Functions:
    @staticmethod
    def find_prefix(words: _Sequence[str], prefix: str, /) -> str | None:
        """find_prefix(words, prefix, /)

        Return the first of ``words`` that starts with ``prefix``, or None.

        Parameters
        ----------
        words : Sequence[str]
            Where to look.
        prefix : str
            What the word has to start with; every word starts with the empty text.

        Returns
        -------
        str or None
            The word found.
        """

    @staticmethod
    def format_duration(seconds: int, /) -> str:
        """format_duration(seconds, /)

        Write a duration the way ``parse_duration`` reads it.

        Parameters
        ----------
        seconds : int
            The duration in seconds, 0 or more.

        Returns
        -------
        str
            The shortest way to write it, for example ``1d30m``; ``0s`` for 0.

        Raises
        ------
        ValueError
            If ``seconds`` is negative.
        """

    @staticmethod
    def hex_decode(text: str, /) -> bytes:
        """hex_decode(text, /)

        Read back what ``hex_encode`` wrote. Upper-case digits are understood too.

        Parameters
        ----------
        text : str
            Two hexadecimal digits for every byte.

        Returns
        -------
        bytes
            The bytes.

        Raises
        ------
        ValueError
            If the number of digits is odd or something is not a digit, with its position.
        """

    @staticmethod
    def hex_encode(data: bytes | bytearray, /) -> str:
        """hex_encode(data, /)

        Write every byte as two lower-case hexadecimal digits.

        Parameters
        ----------
        data : bytes
            What to write.

        Returns
        -------
        str
            Twice as many characters as ``data`` has bytes.
        """

    @staticmethod
    def integrate(function: Callable[[float], float], lower: float, upper: float, panels: int = 100) -> float:
        """integrate(function, lower, upper, panels=100)

        Integrate ``function`` from ``lower`` to ``upper`` with Simpson's rule.

        Parameters
        ----------
        function : Callable[[float], float]
            What to integrate. It is called ``2 * panels + 1`` times; what it raises is passed on.
        lower, upper : float
            The bounds. ``upper < lower`` changes the sign of the result.
        panels : int
            How many parabolas to fit, 1 or more.

        Returns
        -------
        float
            The integral, exact (but for rounding) for polynomials up to degree three.
        """

    @staticmethod
    def join(parts: _Sequence[str], separator: str | None = None) -> str:
        """join(parts, separator=None)

        Join ``parts`` into one text.

        Parameters
        ----------
        parts : Sequence[str]
            What to join.
        separator : str or None
            What to put between two parts; a comma and a space where it is None.

        Returns
        -------
        str
            The text.
        """

    @staticmethod
    def linspace(start: float, stop: float, num: int = 50) -> Tensor:
        """linspace(start, stop, num=50)

        Return ``num`` evenly spaced numbers from ``start`` to ``stop``, both included.

        Parameters
        ----------
        start : float
            The first number.
        stop : float
            The last number, met exactly. With ``num == 1`` only ``start`` is returned.
        num : int
            How many numbers, 0 or more.

        Returns
        -------
        Tensor
            A new float64 tensor of shape ``(num,)`` on the CPU.

        Raises
        ------
        ValueError
            If ``num`` is negative or ``stop - start`` is not finite.
        """

    @staticmethod
    def most_common(counts: Mapping[str, int], limit: int | None = None) -> Array[tuple[str, int]]:
        """most_common(counts, limit=None)

        Sort what ``tally`` returned by falling count, equal counts by word.

        Parameters
        ----------
        counts : Mapping[str, int]
            Words and their counts.
        limit : int or None
            How many entries to return at most; all of them where it is None.

        Returns
        -------
        Sequence[tuple[str, int]]
            Words and their counts.

        Raises
        ------
        ValueError
            If ``limit`` is negative.
        """

    @staticmethod
    def parse_duration(text: str, /) -> int:
        """parse_duration(text, /)

        Read a duration such as ``1h30m``.

        Parameters
        ----------
        text : str
            Numbers, each followed by its unit: ``d``, ``h``, ``m`` or ``s``, from large to small and each
            at most once.

        Returns
        -------
        int
            The duration in seconds.

        Raises
        ------
        ValueError
            If ``text`` is something else, with the position (in bytes, from 0) where it goes wrong.
        """

    @staticmethod
    def tally(words: _Sequence[str], /) -> Map[str, int]:
        """tally(words, /)

        Count how often each word occurs.

        Parameters
        ----------
        words : Sequence[str]
            The words, in any order.

        Returns
        -------
        Mapping[str, int]
            One entry for each different word.
        """

    @staticmethod
    def to_list(x: _SupportsDLPack, /) -> Array[float]:
        """to_list(x, /)

        Return the elements of ``x`` in row-major order.

        Parameters
        ----------
        x : Tensor
            A contiguous float32 or float64 tensor on the CPU, of any shape.

        Returns
        -------
        Sequence[float]
            As many numbers as ``x`` has elements.
        """

find_prefix = _Functions.find_prefix
format_duration = _Functions.format_duration
hex_decode = _Functions.hex_decode
hex_encode = _Functions.hex_encode
integrate = _Functions.integrate
join = _Functions.join
linspace = _Functions.linspace
most_common = _Functions.most_common
parse_duration = _Functions.parse_duration
tally = _Functions.tally
to_list = _Functions.to_list

@type_check_only
class _ObjectMeta(ABCMeta):
    """The metaclass that tvm_ffi gives to classes of objects."""

@type_check_only
class _Object(Object, metaclass=_ObjectMeta):
    __tvm_ffi_type_info__: ClassVar[object]
    __ffi_init__: ClassVar[Callable[..., None]]

@type_check_only
class _Accumulator(_Object):
    @property
    def count(self) -> int:
        """How many values were added."""

    @property
    def mean(self) -> float:
        """The mean of the values (weighted, where weights were given); 0 without values."""

    label: str
    """A name of your own choice."""

    def __init__(self, label: str, /) -> None:
        """Accumulator(label, /)

        Streaming mean and variance in constant space.

        Parameters
        ----------
        label : str
            A name of your own choice.
        """

    def push(self, value: float, /) -> None:
        """push(value, /)

        Add one value.

        Parameters
        ----------
        value : float
            A finite number.

        Raises
        ------
        ValueError
            If ``value`` is infinite or not a number.
        """

    def extend(self, values: _Sequence[float], /) -> None:
        """extend(values, /)

        Add several values, or none of them if one is not finite.

        Parameters
        ----------
        values : Sequence[float]
            Finite numbers.

        Raises
        ------
        ValueError
            If one of the values is infinite or not a number.
        """

    def merge(self, other: Accumulator, /) -> None:
        """merge(other, /)

        Add everything that another accumulator has seen; the other one stays as it is.

        Parameters
        ----------
        other : Accumulator
            The other one, which may be this one.
        """

    def variance(self, ddof: int = 0) -> float:
        """variance(ddof=0)

        Return the variance of the values.

        Parameters
        ----------
        ddof : int
            The degrees of freedom to take off: 0 for a population, 1 for a sample.

        Returns
        -------
        float
            The sum of squared distances from the mean, divided by the total weight less ``ddof``.

        Raises
        ------
        ValueError
            If ``ddof`` is negative, or not smaller than the total weight.
        """

    @staticmethod
    def from_values(label: str, values: _Sequence[float], /) -> Accumulator:
        """from_values(label, values, /)

        Make an accumulator that has seen ``values``.

        Parameters
        ----------
        label : str
            A name of your own choice.
        values : Sequence[float]
            Finite numbers.

        Returns
        -------
        Accumulator
            A new one.
        """

class Accumulator(_Accumulator):
    """Streaming mean and variance in constant space; refuses numbers that are not finite."""

    from_values = _Accumulator.from_values

@type_check_only
class _Series(_Object):
    name: str
    """What the values are."""

    accumulator: Accumulator
    """The accumulator that new values go to, shared with whoever else holds it."""

    def __init__(self, name: str, accumulator: Accumulator) -> None:
        """Series(name, accumulator)

        Values in the order they came, and statistics over them.

        Parameters
        ----------
        name : str
            What the values are.
        accumulator : Accumulator
            Where every value is added to as well.
        """

    def append(self, value: float, /) -> None:
        """append(value, /)

        Add one value to the series and to its accumulator.

        Parameters
        ----------
        value : float
            A finite number.

        Raises
        ------
        ValueError
            If ``value`` is infinite or not a number; nothing is added then.
        """

    def size(self, /) -> int:
        """size()

        Return how many values the series has.

        Returns
        -------
        int
            Their number.
        """

    def last(self, /) -> float | None:
        """last()

        Return the latest value, or None where there is none.

        Returns
        -------
        float or None
            The value.
        """

    def tail(self, limit: int, /) -> Array[float]:
        """tail(limit, /)

        Return the latest values, oldest first.

        Parameters
        ----------
        limit : int
            How many at most, 0 or more.

        Returns
        -------
        Sequence[float]
            The values.

        Raises
        ------
        ValueError
            If ``limit`` is negative.
        """

class Series(_Series):
    """Values in the order they came, with an accumulator that has seen all of them."""

    size = _Series.size
    last = _Series.last

@type_check_only
class _WeightedAccumulator(Accumulator):
    @property
    def total_weight(self) -> float:
        """The sum of all weights; a value without one counts as 1."""

    def __init__(self, label: str, /) -> None:
        """WeightedAccumulator(label, /)

        An accumulator whose values may have weights, as if each had been added that often.

        Parameters
        ----------
        label : str
            A name of your own choice.
        """

    def push_weighted(self, value: float, weight: float) -> None:
        """push_weighted(value, weight)

        Add one value with a weight.

        Parameters
        ----------
        value : float
            A finite number.
        weight : float
            A finite number above 0.

        Raises
        ------
        ValueError
            If one of the two is something else.
        """

    def effective_count(self, /) -> float:
        """effective_count()

        Return how many values of equal weight would carry as much information.

        Returns
        -------
        float
            The squared sum of the weights divided by the sum of their squares; 0 without values.
        """

class WeightedAccumulator(_WeightedAccumulator):
    """An accumulator whose values may have weights."""

    effective_count = _WeightedAccumulator.effective_count
