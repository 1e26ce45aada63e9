"""Events: one finished run, all bounded runs of a program at once, relations over them, traces on disk."""
