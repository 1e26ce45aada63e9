"""The solver engine: event graph and model to clauses, and back to executions."""
