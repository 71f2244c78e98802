"""No module imports, by way of others, itself: not at its top and not inside a function."""

import grimp
import pytest


@pytest.fixture(scope="module")
def imports():
    """What each module imports, what is imported for types alone left out."""
    graph = grimp.build_graph("caviar", exclude_type_checking_imports=True)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circles(imports):
    """Return the modules of each circle (Tarjan's strongly connected components), in order."""
    found, place, low, path = [], {}, {}, []

    def visit(module):
        place[module] = low[module] = len(place)
        path.append(module)
        for other in sorted(imports.get(module, ())):
            if other not in place:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in path:
                low[module] = min(low[module], place[other])
        if low[module] == place[module]:
            start = path.index(module)
            if len(path) - start > 1:
                found.append(sorted(path[start:]))
            del path[start:]

    for module in sorted(imports):
        if module not in place:
            visit(module)
    return found


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_there_are_no_circles(imports):
    assert circles(imports) == []
