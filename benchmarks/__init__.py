"""Programs that measure for minutes: faults under load, soaks, speed; each has a small version among the tests."""
