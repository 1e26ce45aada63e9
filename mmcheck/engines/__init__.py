"""The two routes from a program and a model to the runs that are allowed; they share those two and nothing else."""
