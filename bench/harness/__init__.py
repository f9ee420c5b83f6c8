"""Measuring side by side: the libraries, a process for each, the table."""
