"""What every suite shares. Each plugin does nothing until a test asks for it: tests/unit never starts Docker."""

# In the order of their imports: a plugin that another one imports comes before it.
pytest_plugins = (
    "tests.harness.run",
    "tests.harness.suites",
    "tests.harness.lanes",
    "tests.harness.timing",
    "tests.harness.broker",
    "tests.harness.cluster",
    "tests.harness.patched",
)
