"""Data sets of others and one's own, read row by row into two plain kinds of sample."""

from clue_ros.data.opening import open_data

__all__ = ['open_data']
