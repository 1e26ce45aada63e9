"""The parts of the enumerator (`mmcheck.enumerate`): the traces of a thread, and their combinations."""
