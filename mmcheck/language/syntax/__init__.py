"""The specification language: text to tree, messages for mistakes, formatter."""
