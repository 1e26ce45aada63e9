"""Memory models: cat files, their parser, and the expressions that both engines evaluate."""
