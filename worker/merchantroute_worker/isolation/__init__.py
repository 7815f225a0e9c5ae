"""Own queues of single merchants in a pod: what each pod may work of them, and which order begins next."""
