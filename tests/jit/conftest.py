"""The compiler is loaded before the first test: what it enters into tables then is no test's doing."""

import wengert.compiler.jit  # noqa: F401 - see above
