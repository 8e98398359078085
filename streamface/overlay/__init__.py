"""What is drawn on a frame: one file a layer."""
