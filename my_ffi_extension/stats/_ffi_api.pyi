# Written by setuptools-tvm-ffi from the registry of the library. Do not edit.
# setuptools-tvm-ffi 0.1.0, apache-tvm-ffi 0.1.15.post2, registry 9258e5ad70c68893

"""What the library registers under ``my_ffi_extension.stats.``."""

from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator, Sequence
from tvm_ffi import Array, Map, Object
from typing import ClassVar, NoReturn, Protocol, TypeVar, type_check_only

__all__ = [
    "Histogram",
    "quantile",
    "summary",
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
class _Functions:
    @staticmethod
    def quantile(values: _Sequence[float], q: float, method: str | None = None) -> float:
        """quantile(values, q, method=None)

        Return the value below which the share ``q`` of the values lies.

        Parameters
        ----------
        values : Sequence[float]
            Finite numbers, at least one, in any order.
        q : float
            The share, from 0 to 1.
        method : str or None
            What to do between two values: ``linear`` (where it is None), ``lower``, ``higher``,
            ``midpoint`` or ``nearest``; as in ``numpy.quantile``.

        Returns
        -------
        float
            The quantile.

        Raises
        ------
        ValueError
            If there are no values, one is not finite, ``q`` is out of range or ``method`` is unknown.
        """

    @staticmethod
    def summary(values: _Sequence[float], /) -> Map[str, float]:
        """summary(values, /)

        Describe a list of numbers.

        Parameters
        ----------
        values : Sequence[float]
            Finite numbers, at least one.

        Returns
        -------
        Mapping[str, float]
            ``count``, ``mean``, ``std`` (of the population), ``min`` and ``max``.

        Raises
        ------
        ValueError
            If there are no values, or one is not finite, with its index.
        """

quantile = _Functions.quantile
summary = _Functions.summary

@type_check_only
class _ObjectMeta(ABCMeta):
    """The metaclass that tvm_ffi gives to classes of objects."""

@type_check_only
class _Object(Object, metaclass=_ObjectMeta):
    __tvm_ffi_type_info__: ClassVar[object]
    __ffi_init__: ClassVar[Callable[..., None]]

@type_check_only
class _Histogram(_Object):
    @property
    def lower(self) -> float:
        """Where the first bin begins."""

    @property
    def upper(self) -> float:
        """Where the last bin ends; this value is part of it."""

    @property
    def bins(self) -> int:
        """How many bins there are."""

    @property
    def underflow(self) -> int:
        """How many values were below ``lower``."""

    @property
    def overflow(self) -> int:
        """How many values were above ``upper``."""

    def __init__(self, lower: float, upper: float, bins: int = 10) -> None:
        """Histogram(lower, upper, bins=10)

        Counts of values in bins of equal width.

        Parameters
        ----------
        lower, upper : float
            Where the bins begin and end.
        bins : int
            How many bins, 1 or more.

        Raises
        ------
        ValueError
            Unless ``lower < upper`` and ``bins`` is at least 1.
        """

    def push(self, value: float, /) -> None:
        """push(value, /)

        Count one value.

        Parameters
        ----------
        value : float
            Any number; infinite ones are below or above all bins.

        Raises
        ------
        ValueError
            If ``value`` is not a number.
        """

    def counts(self, /) -> Array[int]:
        """counts()

        Return how many values each bin has.

        Returns
        -------
        Sequence[int]
            One count for each bin.
        """

    def edges(self, /) -> Array[float]:
        """edges()

        Return where the bins begin and end.

        Returns
        -------
        Sequence[float]
            One more than there are bins, from ``lower`` to ``upper``.
        """

class Histogram(_Histogram):
    """Counts of values in bins of equal width, and of those below and above all bins."""

    counts = _Histogram.counts
    edges = _Histogram.edges
