"""Side by side: this graph, its own ingress without it, and other servers holding the same models."""
