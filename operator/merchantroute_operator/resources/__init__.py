"""The Kubernetes children of a route: one builder per kind, values in, JSON out."""
