"""The nodes of the graph: emotion and topic (one classifier class bound twice), recall, rerank.

Nodes never import each other.
"""
