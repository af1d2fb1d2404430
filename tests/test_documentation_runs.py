"""Pages of documentation are run as tests; a wrong one, in whatever form, must fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

RIGHT = """
# A page

```python
shown_but_not_run()
```

```python
>>> x = 2.0
>>> x / 3
0.667
```

Later blocks see earlier ones:

```python
>>> def double(x):
...     return 2 * x

>>> double(x)
4.0
```
"""

WRONG = {
    "value": "```python\n>>> 1 + 1\n3\n```\n",
    "number beyond its digits": "```python\n>>> 2 / 3\n0.668\n```\n",
    "remark first": "```python\n# adding\n>>> 1 + 1\n3\n```\n",
    "exception": "```python\n>>> unknown\n```\n",
    "other name of the language": "```pycon\n>>> 1 + 1\n3\n```\n",
    "in a list": "- item\n\n  ```python\n  >>> 1 + 1\n  3\n  ```\n",
}


def run_page(folder: Path, text: str) -> int:
    """Run pytest on a copy of the project that consists of this page, and return its exit status."""
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    page = folder / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(text)
    return subprocess.run([sys.executable, "-m", "pytest", "docs"], cwd=folder, capture_output=True).returncode


def test_a_right_page_passes(tmp_path):
    assert run_page(tmp_path, RIGHT) == 0


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_page_fails(text, tmp_path):
    assert run_page(tmp_path, text) == 1
