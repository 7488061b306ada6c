"""The package's public functions, classes and methods, as tests of docstrings and types go through them."""

import inspect

import mdbackmap


def public():
    """Names and objects: functions, classes, and their methods, inherited ones and those of properties, too."""
    for name in sorted(set(mdbackmap.__all__) - {"__version__"}):
        found = getattr(mdbackmap, name)
        yield name, found
        for method in filter(lambda method: not method.startswith("_"), dir(found) if inspect.isclass(found) else ()):
            value = inspect.getattr_static(found, method)
            value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(value) and value.__module__.startswith("mdbackmap"):
                yield f"{name}.{method}", value
