"""The reference executor: a Program on NumPy, one primitive after the other."""
