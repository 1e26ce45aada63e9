"""Targets, and the vocabulary: every word of a specification and what it becomes on each target."""
