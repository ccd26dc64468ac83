"""The rows of ``benchmarks/speed.py``.

``figures.py`` is the table. The other modules are part of the extension, as ``benchmarks/forget``
is: they import it by relative names and are imported under the name that the host gave it.
"""
