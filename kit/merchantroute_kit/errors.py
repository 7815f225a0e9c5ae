"""One error that ends the demo: which step, why, and what to do about it."""


class StepFailed(Exception):
    """Raised where the reason is known; shown to the user in these three parts."""

    def __init__(self, step: str, why: str, todo: str) -> None:
        super().__init__(f"{step}: {why}. {todo}")
        self.step, self.why, self.todo = step, why, todo
