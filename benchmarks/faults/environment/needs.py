"""The needs of a fault, known before anything is started."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Needs:
    """`comes_back`: the fault gives orders back to the broker, so one may be run to its end again, and some come back
    twice: a pod of the suspect lane stands by. `own_broker`: it harms the broker itself. `hostile`: the pods run the
    app of apps/hostile.py. `memory_limit`: they run in containers that have one. `cluster`: it harms a node of three.
    """

    comes_back: bool = False
    own_broker: bool = False
    hostile: bool = False
    memory_limit: bool = False
    cluster: bool = False
