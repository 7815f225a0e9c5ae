"""What is in the repository, as git knows it: built files and caches are nobody's style."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked(*suffixes: str) -> tuple[Path, ...]:
    """List files that are tracked, or will be once they are added; with one of the suffixes when some are given."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = sorted({ROOT / name for name in listed.split("\0") if name})
    return tuple(path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes))


def named(path: Path) -> str:
    """Give the path as the repository names it."""
    return path.relative_to(ROOT).as_posix()
