"""Cards and citations: one Jinja template a dataset, filled from the manifest and from nothing else."""

from .release import BadReleaseError, Release, read_release
from .render import render_for_release, render_local

__all__ = ["BadReleaseError", "Release", "read_release", "render_for_release", "render_local"]
