"""Rows of a view or a query as files for other programs."""
