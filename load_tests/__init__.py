"""Load tests and measurements; they send traffic to loopback only and always end by themselves."""
