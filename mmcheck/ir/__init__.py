"""The program between front ends and back ends, its flat code, and passes from program to program."""
