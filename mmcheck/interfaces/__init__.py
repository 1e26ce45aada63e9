"""The ways in: the commands of the command line, and mmcheck inside of other tools, each loaded by its tool alone."""
