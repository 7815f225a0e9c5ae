"""The error that ends a run: which step failed, why, and what to do about it."""


class StepFailed(Exception):
    """A step that failed for a known reason; shown to the user in these three parts."""

    def __init__(self, step: str, why: str, todo: str) -> None:
        super().__init__(f"{step}: {why}. {todo}")
        self.step, self.why, self.todo = step, why, todo
