"""A double of the public Python index: its upload rules, in its order, checked with its own libraries."""
