"""The building blocks of the networks; every one gives the same answer whatever the padding."""
