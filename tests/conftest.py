"""What every suite shares. Each plugin does nothing until a test asks for it: tests/unit never starts Docker."""

pytest_plugins = (
    "tests.harness.suites",
    "tests.harness.timing",
    "tests.harness.patched",
    "tests.harness.broker",
    "tests.harness.cluster",
)
