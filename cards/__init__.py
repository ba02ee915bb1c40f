"""Cards and citations: one Jinja template a dataset, filled from the manifest and from nothing else."""

from .render import render_card, render_citation

__all__ = ["render_card", "render_citation"]
