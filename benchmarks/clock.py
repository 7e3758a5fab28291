"""Times a function in a process of its own, with the memory that it took at most."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds, peak memory in GB of the process, and what the function returned."""

    seconds: float
    memory: float
    result: object


def timed(function: str, *arguments: object) -> Timing:
    """Run `module:function` with JSON arguments in a fresh process; the function itself may return its seconds."""
    command = [sys.executable, "-m", "benchmarks.clock", function, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{function}: {done.stderr[-2000:]}")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def stopwatch(work: Callable[[], object], repeat: int = 1) -> float:
    """Return the least seconds of `repeat` runs."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _peak() -> int:
    """Return the peak memory of this process in kB; what the system calls maxrss counts the parent's before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    module, name = sys.argv[1].split(":")
    work = getattr(import_module(module), name)
    begun = time.perf_counter()
    result = work(*json.loads(sys.argv[2]))
    elapsed = time.perf_counter() - begun
    if isinstance(result, float):
        elapsed = result
    peak = _peak() / 1e6
    print(json.dumps({"seconds": elapsed, "memory": peak, "result": result}))
