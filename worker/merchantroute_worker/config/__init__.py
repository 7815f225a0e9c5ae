"""Configuration of a pod: its identity from the environment, and the files that the operator mounts."""
