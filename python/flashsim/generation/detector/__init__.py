"""The pseudo-detector: from GEN objects to RECO objects, by parametrised response."""
