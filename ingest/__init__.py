"""Storywatch: one seed article in, the world's coverage of that story out, every version kept."""

__version__ = "0.1.0"
