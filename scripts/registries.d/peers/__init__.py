"""The registries that play npm and the Python index on this machine."""
