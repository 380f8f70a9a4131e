"""Data sets of others and one's own, read row by row into two plain kinds of sample."""
