"""Transforms of functions: derivatives of any order, and rules of one's own."""
