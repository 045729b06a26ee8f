"""Imports every top-level module of every installed distribution; prints those that were not, and how many were."""

import importlib
import os
from importlib.metadata import distributions

MODULES = (".py", ".so")
imported = set()
for each in distributions():
    for file in each.files or []:
        top = file.parts[0]
        # A package is known by its `__init__`, a module is beside the packages.
        is_package = len(file.parts) == 2 and os.path.splitext(file.parts[1])[0] == "__init__"
        is_module = len(file.parts) == 1 and top.endswith(MODULES)
        name = top.split(".")[0]
        if not (is_package or is_module) or not name.isidentifier() or name in imported:
            continue
        imported.add(name)
        try:
            importlib.import_module(name)
        except Exception as error:
            print(f"{each.metadata['Name']}: import {name}: {error!r}")
print(f"imported {len(imported)}")
