"""From a question about a program to its verdict: layers, vacuity, caveats, and why a run is a counterexample."""
