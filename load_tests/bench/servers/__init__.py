"""What is compared: each module is one server over the same artifacts."""
