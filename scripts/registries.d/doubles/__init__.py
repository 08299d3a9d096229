"""Registries made for tests: they enforce the public registries' rules in order, and can be brought into any state.

Each listens on two loopback ports: one is the registry, the other one controls it. Every request is recorded byte
for byte.
"""
