"""How the service runs: typed settings and the YAML files that fill them. A leaf, read only by `graph`."""
