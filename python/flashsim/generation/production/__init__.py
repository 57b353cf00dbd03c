"""Productions: parts in worker processes, resumed after a kill, merged in order."""
