"""What is computed: text, embeddings, classifiers, matchers, encoders; numbers in, numbers out."""
