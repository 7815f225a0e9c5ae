"""The port to Kubernetes: all that the operator reads from or writes to the API server."""
