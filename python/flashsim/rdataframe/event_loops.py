"""Event loops started from Python: errors of this package with their message alone, and progress.

Results, ``RunGraphs``, ``Snapshot`` and ``Foreach`` are ROOT's: pythonizations change them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType
from typing import Any

from .._errors import tell, translating
from .._library import root
from .progress import run_watched, waiting

__all__ = ["register"]

_OF_RESULTS = ("GetValue", "GetPtr", "GetSharedPtr", "__deref__", "__follow__", "begin", "end")
_OF_VARIATIONS = ("__getitem__", "begin", "end", "cbegin", "cend")


def register() -> None:
    """Covers all classes of results, those in use included."""
    ROOT = root()
    ROOT.pythonization("RResultPtr<", ns="ROOT::RDF", is_prefix=True)(_cover_result)
    ROOT.pythonization("RInterface<", ns="ROOT::RDF", is_prefix=True)(_cover_node)
    with warnings.catch_warnings():  # ROOT looks at all that it has, and warns of where it had distributed RDataFrame
        warnings.simplefilter("ignore", FutureWarning)
        ROOT.pythonization("RResultMap<", ns="ROOT::RDF::Experimental", is_prefix=True)(_cover_variations)
    # Of classes in use, ROOT 6.40 misses those with template arguments in a namespace.
    for klass in [known for known in vars(ROOT.RDF).values() if isinstance(known, type)]:
        name = str(getattr(klass, "__cpp_name__", ""))
        for prefix, cover in (("ROOT::RDF::RResultPtr<", _cover_result), ("ROOT::RDF::RInterface<", _cover_node)):
            if name.startswith(prefix):
                cover(klass)
    ROOT.RDF.RunGraphs = translating(_watched_graphs(ROOT.RDF.RunGraphs))


def _cover_result(klass: Any) -> None:
    _replace(klass, _OF_RESULTS, _translating_getter)


def _cover_variations(klass: Any) -> None:
    _replace(klass, _OF_VARIATIONS, lambda method: translating(_watched(method)))


def _cover_node(klass: Any) -> None:
    _replace(klass, ("Foreach",), _Template)
    _replace(klass, ("Snapshot",), _Snapshot)


def _replace(klass: Any, names: Iterable[str], cover: Callable[[Any], Any]) -> None:
    for name in names:
        method = vars(klass).get(name)
        if method is not None and not isinstance(method, (FunctionType, _Template)):
            setattr(klass, name, cover(method))


def _translating_getter(method: Any) -> Callable[[Any], Any]:
    """As `translating`, for methods without arguments: each access to an attribute of a result calls one."""

    def call(result: Any) -> Any:
        try:
            if waiting and not result.IsReady():
                run_watched([result])
            return method(result)
        except Exception as error:
            caught = error
        del result  # which a traceback that is kept would keep booked
        try:
            tell(caught)
        finally:
            del caught  # whose traceback holds this frame

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


def _watched(method: Any) -> Callable[..., Any]:
    """A method that runs the event loop of its object, shown if it is watched."""

    @wraps(method)
    def call(result: Any, *args: Any) -> Any:
        if waiting:
            run_watched([result])
        return method(result, *args)

    return call


def _watched_graphs(run_graphs: Callable[[Iterable[Any]], int]) -> Callable[[Iterable[Any]], int]:
    @wraps(run_graphs)
    def call(results: Iterable[Any]) -> int:
        results = list(results)
        if waiting and not any(type(result).__module__.startswith("ROOT._distrdf") for result in results):
            return run_watched(results)
        return run_graphs(results)

    return call


class _Template:
    """A method template of ROOT with its errors translated: ``node.method(...)``, ``node.method[types](...)``."""

    def __init__(self, template: Any) -> None:
        self._template = template
        self.__doc__ = template.__doc__

    def __get__(self, node: Any, owner: Any = None) -> Any:
        return type(self)(self._template.__get__(node, owner)) if node is not None else self

    def __getitem__(self, types: Any) -> Any:
        return translating(self._template[types])

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return translating(self._template)(*args, **keywords)


class _Snapshot(_Template):
    """Snapshot, which runs the event loop of a node behind FlashSim, or that is watched, once.

    After an error of the event loop, cppyy tries the other overloads, twice: an instant Snapshot that fails, or that
    Ctrl-C ends, would run its loop three times. So it is booked first, and run then.
    """

    def __init__(self, template: Any, node: Any = None) -> None:
        super().__init__(template)
        self._node = node

    def __get__(self, node: Any, owner: Any = None) -> Any:
        return _Snapshot(self._template.__get__(node, owner), node) if node is not None else self

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        given = args[3] if len(args) > 3 else keywords.get("options")
        is_lazy = given is not None and given.fLazy
        if self._node is None or is_lazy or not (waiting or _is_behind_flash_sim(self._node)):
            return super().__call__(*args, **keywords)
        options = root().RDF.RSnapshotOptions() if given is None else root().RDF.RSnapshotOptions(given)
        options.fLazy = True
        if len(args) == 2 and not keywords.keys() - {"options"}:
            args = (*args, "")  # all columns
        if len(args) > 2:
            args, keywords = (*args[:3], options, *args[4:]), {k: v for k, v in keywords.items() if k != "options"}
        else:
            keywords = keywords | {"options": options}
        result = super().__call__(*args, **keywords)
        try:
            result.GetValue()
        except BaseException:
            del result  # which a traceback that is kept would keep, and the file open
            raise
        return result


def _is_behind_flash_sim(node: Any) -> bool:
    return bool(root().FlashSim.GetFoldSize(root().RDF.AsRNode(node)) > 0)
