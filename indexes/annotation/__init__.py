"""Annotation: what people shall label, in the formats of their tools, and what their labels say together."""
