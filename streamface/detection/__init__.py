"""Finding faces: one file a detector."""
