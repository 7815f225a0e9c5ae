"""What every suite shares. Each plugin does nothing until a test asks for it: tests/unit never starts Docker."""

from hypothesis import HealthCheck, settings

# Hypothesis' own defaults fail an example that takes 200 ms, or is slow to draw: a busy machine does both.
settings.register_profile("no-timing", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-timing")

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
