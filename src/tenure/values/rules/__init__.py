"""Knowledge of recorded values and steps: kinds, rules, rows and paths, their expansion and analysis."""
