"""The methods of RDataFrame nodes, local and distributed, and errors, progress and files of their event loops."""
