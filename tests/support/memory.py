"""How much memory a process uses."""

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Return the resident set size of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmRSS:")[1].split()[0])
