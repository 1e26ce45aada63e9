"""The parts of `mmcheck.unfold`, in import order: points of a thread, expressions, events, accesses, control flow."""
