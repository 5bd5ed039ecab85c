"""Training: offline only, from plain lists of sentences to a model with its thresholds set."""
