"""The methods that RDataFrame nodes get, local and distributed, and what surrounds their event loops."""
