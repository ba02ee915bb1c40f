"""CROSS-Eval: respond → judge → score → report. Reads datasets only; knows nothing of how they are built."""
