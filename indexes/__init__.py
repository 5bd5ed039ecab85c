"""What is looked up: written content, and the indexes that find it."""
