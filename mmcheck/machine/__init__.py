"""Operational machines: a program run step by step on a memory. They use no model and no event graph."""
