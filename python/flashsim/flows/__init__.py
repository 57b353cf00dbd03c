"""Flows as files: reading, checking and writing them, their graphs, and `Flow`, which runs one. No torch."""
