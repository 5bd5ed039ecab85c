"""What the system knows, as people wrote it: labels, utterances, knowledge, replies, emotion words."""
