"""Faults on a real Ray Serve under load: what a customer sees of each, and for how long (`make chaos`)."""
