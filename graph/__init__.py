"""The edges of the graph: HTTP, the composer that runs the DAG, the fallback policy, building and the command line."""

__version__ = "0.1.0"
