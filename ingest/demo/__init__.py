"""The demonstration: a small living newsroom on 127.0.0.1, watched by the real daemon."""
