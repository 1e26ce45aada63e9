"""The commands, each loaded when it runs: from parsed arguments to printed text and an exit code."""
