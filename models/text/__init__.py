"""From a raw message to words, and from words to rows of numbers."""
