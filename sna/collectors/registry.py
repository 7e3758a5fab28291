"""The list of collectors: those of sna, and those of installed packages in the entry-point group `sna.collectors`."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from sna.collectors.base import Collector
from sna.errors import UsageError

GROUP = "sna.collectors"

_BUILT_IN = {
    "x": "sna.collectors.x:X",
    "bluesky": "sna.collectors.bluesky:Bluesky",
    "mastodon": "sna.collectors.mastodon:Mastodon",
    "reddit": "sna.collectors.reddit:Reddit",
    "open311": "sna.collectors.open311:Open311",
}


def collector(name: str) -> type[Collector]:
    """Return the collector of a source; raises UsageError for a name that none has."""
    if name in _ADDED:
        return _ADDED[name]
    found = _paths().get(name)
    if found is None:
        raise UsageError(f"no collector for {name!r}; there are {', '.join(_paths())}")
    if isinstance(found, EntryPoint):
        try:
            loaded: type[Collector] = found.load()
        except Exception as error:
            raise UsageError(
                f"the collector {name!r} of another package cannot be loaded ({type(error).__name__}); "
                "update or remove that package"
            ) from error
        return loaded
    module, _, member = found.partition(":")
    built_in: type[Collector] = getattr(import_module(module), member)
    return built_in


def add(kind: type[Collector]) -> None:
    """Make a collector known to this process alone, for notebooks and trials; packages use the entry-point group."""
    if kind.about.name in _BUILT_IN:
        raise UsageError(f"sna brings a collector {kind.about.name!r} itself; give yours another name")
    _ADDED[kind.about.name] = kind


def collector_names() -> list[str]:
    """Return the names of all sources that can be collected from."""
    return [*_paths(), *_ADDED]


_ADDED: dict[str, type[Collector]] = {}


@cache
def _paths() -> Mapping[str, str | EntryPoint]:
    # A package cannot take the place of a collector that sna brings.
    others = {point.name: point for point in entry_points(group=GROUP) if point.name not in _BUILT_IN}
    return {**_BUILT_IN, **others}


def need(module: str, extra: str) -> None:
    """Raise UsageError with the install command when a collector's library is not there."""
    try:
        import_module(module)
    except ImportError as error:
        raise UsageError(
            f"this collector needs {module}, which is not installed; run: pip install 'sna[{extra}]'"
        ) from error
