"""GEN events: Pythia processes, particles, hadron flavour and clustered jets."""
