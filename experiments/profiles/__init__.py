"""What can be asked for: profiles and their settings, the methods, the data sets."""
