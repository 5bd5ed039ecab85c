"""The feedback store: every answer given, every rating received, and the counts the experiment is judged by."""
