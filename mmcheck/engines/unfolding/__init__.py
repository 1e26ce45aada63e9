"""All bounded runs of a program as one graph: points of a thread, expressions, events, accesses, control flow."""
