"""Side-by-side measurements: hand-derived NumPy, wengert and other libraries on the same workloads.

Run ``python -m benchmarks`` from the root of the repository; ``benchmarks/README.md`` says what is measured and how.

Files, in the order in which a run passes through them: ``cli`` reads the command line, ``contenders`` says who can
take part, ``workload`` finds the files in ``workloads/``, ``run`` alternates between the processes of ``client``, which
speak ``protocol`` with ``worker``; there ``quantity`` measures and ``compare`` checks. ``report`` holds the results,
``table`` and ``plot`` show them.
"""
