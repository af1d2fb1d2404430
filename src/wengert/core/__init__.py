"""The engine: operation records, boxed arrays, the tape, forward mode. Knows no operation by name."""
