"""Recipes of the shipped flows, as TOML files that `flashsim.training.load_config` reads."""
