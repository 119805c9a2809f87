"""Our numbers beside those of the libraries they are named after."""
