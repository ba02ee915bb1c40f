"""JSON Schema 2020-12 for every row that comes in or goes out, and the vocabulary as data.

``validator(name)`` gives a compiled validator, ``problems(name, rows)`` all that is wrong with rows,
``table(name)`` a vocabulary table (countries, languages, dimensions, negative types, flags).
"""

from .loader import CANARY, SCHEMA_VERSION, schema, schema_names, table, validator
from .problems import Problem, format_problems, problems

__all__ = [
    "CANARY",
    "SCHEMA_VERSION",
    "Problem",
    "format_problems",
    "problems",
    "schema",
    "schema_names",
    "table",
    "validator",
]
