"""Sources of articles from before the monitor existed, one module a source."""
