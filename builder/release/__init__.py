"""Splits, leakage, writing and exchange: from rows to dataset folders."""
