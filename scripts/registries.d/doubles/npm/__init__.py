"""A double of the public npm registry, above all of the answers that no other server gives."""
