"""Programs run natively: machine code, where it is kept, and the way from Python objects into it and back.

In the order of a program's way: ``table.py`` links it, with ``kernels.py``, ``engine.py``, ``target.py``,
``cache.py`` and ``elf.py`` for its kernels, ``matrices.py``, ``blas.py`` and ``products.py`` for products of matrices,
``work.py`` and ``workers.py`` for what threads share, and ``linked.py`` for the result. ``entry.py`` makes it a Python
function, by a specification (``specification.py``). What runs then is written in ``words.py``'s subset of Python:
``walk.py``, ``arguments.py``, ``results.py``, ``loop.py``, ``crew.py`` and ``pool.py``, which ``runtime.py`` puts
together and which reach Python through ``world.py``. ``selftest.py`` says whether all this works here.
"""
