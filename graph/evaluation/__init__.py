"""Measuring models on labelled files: reading, running over seeds, measures, report, plots, tables."""
