"""Who this pod is, and the files that the operator mounts into it."""
