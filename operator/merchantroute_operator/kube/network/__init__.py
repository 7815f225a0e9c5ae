"""Addresses of the cluster: those of its Services, and those that are its nodes' and the API server's."""
