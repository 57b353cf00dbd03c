"""The recipe of a training: its sections, and the reader of its TOML file."""
