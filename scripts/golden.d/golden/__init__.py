"""Recordings of what npm and twine send."""
