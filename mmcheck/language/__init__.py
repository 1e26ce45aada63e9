"""The languages that mmcheck reads: specifications, from their text to a program, and herd7's litmus tests."""
