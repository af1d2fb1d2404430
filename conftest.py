"""What all tests share: documentation run as tests, cross-checks with other libraries, hypothesis's profile."""

import doctest
import importlib.util
import inspect
import pydoc
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sybil import Document, Region, Sybil
from sybil.evaluators.doctest import NUMBER, DocTestEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown import CodeBlockParser, SkipParser

ROOT = Path(__file__).parent
PEERS = ("autograd", "jax", "mygrad", "torch")
PEER_TESTS = ROOT / "tests" / "peers"

# A slow moment of the machine is no defect of the code under test.
hypothesis.settings.register_profile("wengert", deadline=None)
hypothesis.settings.load_profile("wengert")


_doctests = DocTestStringParser(DocTestEvaluator(doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | NUMBER))


def doctest_blocks(document: Document) -> Iterator[Region]:
    """Find the ``>>>`` lines in a Markdown page's Python blocks; a page is one namespace, from top to bottom."""
    for language in ("python", "pycon"):
        for block in CodeBlockParser(language, _doctests.evaluator)(document):
            for example in _doctests(block.parsed, document.path):
                example.adjust(block, block.parsed)
                yield example


pytest_collect_file = Sybil(parsers=[doctest_blocks, SkipParser()], patterns=["*.md"]).pytest()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave ``tests/peers`` alone where a peer is missing: its modules import them all."""
    if collection_path == PEER_TESTS and any(importlib.util.find_spec(name) is None for name in PEERS):
        return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in ``tests/peers``, before ``-m`` selects by marker; drop the doctests that are NumPy's own."""
    items[:] = [item for item in items if not _is_numpys_doctest(item)]
    for item in items:
        if PEER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.peers)


def _is_numpys_doctest(item: pytest.Item) -> bool:
    """Whether it is the docstring of a NumPy function that wengert passes on under its own name."""
    if not isinstance(item, pytest.DoctestItem):
        return False
    module = getattr(inspect.unwrap(pydoc.locate(item.name)), "__module__", None)
    return str(module).partition(".")[0] == "numpy"
