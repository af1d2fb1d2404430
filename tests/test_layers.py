"""Imports point one way, all of them stand at the top of their files, and ``import wengert`` is light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wengert

SOURCE = Path(wengert.__file__).parent
LAYERS = [
    "errors", "_types", "typing", "core", "ops", "arrays", "io", "linalg", "random", "transforms", "compiler",
    "profiling",
    "nnet", "plotting", "computational_graph", "testing", "compat",
]  # fmt: skip
"""From the bottom up. A module imports from its own layer and those below it."""

LAZY = {"optree", "mpmath", "scipy", "graphviz", "numba", "llvmlite"}
"""Imported where they are needed: arrays alone need no trees, few functions need SciPy, only tests need mpmath."""

HEAVY = [
    "numba", "llvmlite", "scipy", "matplotlib", "optree", "mpmath", "graphviz", "jax", "torch", "autograd", "mygrad",
    "pytest", "wengert.compat", "wengert.compiler",
]  # fmt: skip

FILES = sorted(p for p in SOURCE.rglob("*.py"))


def name_of(path):
    return str(path.relative_to(SOURCE))


def layer_of(path):
    return LAYERS.index(path.relative_to(SOURCE).parts[0].removesuffix(".py"))


def imports(tree):
    """The import statements under a node, as pairs of statement and module name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            if node.module != "wengert":
                yield node, node.module
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != SOURCE or p.stem != "__init__"], ids=name_of)
def test_imports_point_down(path):
    for _, module in imports(ast.parse(path.read_text())):
        parts = module.split(".")
        if parts[0] == "wengert":
            if len(parts) == 1:  # the package's own namespace sees everything
                assert path.relative_to(SOURCE).parts[0] == "compat", f"{name_of(path)} imports the namespace"
                continue
            assert LAYERS.index(parts[1]) <= layer_of(path), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_stand_at_the_top(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            for _, module in imports(node):
                assert module.split(".")[0] in LAZY, f"{name_of(path)} imports {module} inside {node.name}"


def test_modules_of_a_layer_import_without_a_circle():
    """Each module can be the first that is imported."""
    modules = [".".join(("wengert", *p.relative_to(SOURCE).with_suffix("").parts)) for p in FILES]
    edges = {}
    for module, path in zip(modules, FILES, strict=True):
        edges[module] = {m for _, m in imports(ast.parse(path.read_text())) if m in modules}
    while leaves := [m for m, needs in edges.items() if not needs & edges.keys()]:
        for m in leaves:
            del edges[m]
    assert edges == {}


def test_the_layout_names_every_file():
    """By its path; in the long rows of ``ops`` and of packages within packages, by its name."""
    table = (SOURCE.parents[1] / "docs" / "layout.md").read_text().split("## Who may import whom")[0]
    named = set(re.findall(r"`([\w/]+\.py)`", table))
    for path in FILES:
        if path.stem != "__init__":
            by_name = name_of(path).startswith("ops/") or name_of(path).count("/") > 1
            known_as = {name_of(path), path.name} if by_name else {name_of(path)}
            assert named & known_as, f"docs/layout.md lacks {name_of(path)}"
    files = {name_of(path) for path in FILES} | {path.name for path in FILES}
    assert named <= files, f"docs/layout.md names {named - files}, which isn't there"


def test_import_is_light():
    code = f"import sys, wengert; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_gradient_of_arrays_needs_no_trees():
    code = (
        "import sys, numpy as np, wengert as wg; wg.grad(lambda x: np.sum(x * x))(np.ones(3));"
        "wg.tensor(1.0).backward(); print('optree' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def exported(name):
    """What public names are ordered by: constants, classes, the rest; and numbers in them by size."""
    parts = [part.zfill(9) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
    return name != name.upper(), not name[0].isupper(), parts


def test_public_names_are_exported_once():
    for path in FILES:
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                names = ast.literal_eval(node.value)
                assert len(set(names)) == len(names), name_of(path)
                assert sorted(names, key=exported) == names, name_of(path)
