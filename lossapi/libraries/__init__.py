"""Other libraries: presets of our definitions by their names, and what turns their arguments into ours."""
