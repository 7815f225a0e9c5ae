"""What takes minutes: faults under load, soaks, figures. Each has a small version among the tests."""
