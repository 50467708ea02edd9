"""Writers of music, sound and timelines: one module per format."""
