"""Records, leads, preprocessing and amplitude ranges."""
