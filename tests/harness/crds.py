"""Waiting for a CustomResourceDefinition that was just made."""

# `kubectl wait --for=condition=…` gives up at once on an object that has no conditions yet, which a new one has not;
# a path that leads nowhere is waited for.
ESTABLISHED = '--for=jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
