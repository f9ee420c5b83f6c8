"""Runs: from a path to a program for the wanted results, and to these in their handles; recovery from broken runs."""
