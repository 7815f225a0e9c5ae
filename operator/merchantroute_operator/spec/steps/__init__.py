"""Parses the steps of a route and judges their templates, before a pod has them."""
