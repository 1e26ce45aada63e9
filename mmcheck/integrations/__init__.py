"""mmcheck inside of other tools; each module is imported by its tool alone."""
