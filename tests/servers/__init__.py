"""Servers on loopback that stand for the services that collectors ask."""
