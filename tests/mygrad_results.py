"""How results of one program, run with two libraries, are compared."""

from typing import Any

import numpy as np

__all__ = ["assert_same"]


def assert_same(found: dict[str, Any], expected: dict[str, Any], rtol: float = 1e-12) -> None:
    """Fail unless both hold the same names, shapes, dtypes and, to rounding, values."""
    assert found.keys() == expected.keys()
    for name, x in found.items():
        y = expected[name]
        assert (x is None) == (y is None), name
        if x is not None:
            x, y = np.asarray(x), np.asarray(y)
            assert x.dtype == y.dtype, f"{name}: {x.dtype}, {y.dtype}"
            if x.dtype.kind == "f":
                np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol, err_msg=name)
                assert x.shape == y.shape, name
            else:
                np.testing.assert_array_equal(x, y, err_msg=name, strict=True)
