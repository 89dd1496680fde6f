"""Speed and memory of the web page: `python -m tests.bench_web --store PATH --json`.

Readers ask for the first view and for searches with facets, each again as soon as it is answered,
for some time. Prints one object: milliseconds at the median and the 95th percentile, errors, and
the most memory that the server took (its resident set, from /proc). For the figures of a store of
1,000,000 posts make one with `tests.bench_scale` and name it here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import httpx2

from tests.conftest import COMMAND
from tests.servers.process import free_port

FIRST = "/"
SEARCHES = (
    "/search?q=whatsapp",
    "/search?q=inwi&lang=ary",
    "/search?q=connexion&sort=oldest",
    "/search?entity=inwi",
    "/search?q=appel&platform=twitter",
)


def resident(process: int) -> int:
    """Bytes of memory that a process holds now."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def measure(store: str, readers: int, seconds: float) -> dict[str, object]:
    """Serve a store, let readers ask, and return the figures."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [str(COMMAND), "serve", "--store", store, "--port", str(port)],
            env={
                "MARSAD_WEB_ACCOUNTS": f"{folder}/web.db",
                "PATH": "/usr/bin:/bin",
                "HOME": folder,
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            return _asked(f"http://127.0.0.1:{port}", server.pid, readers, seconds)
        finally:
            server.terminate()
            server.wait()


def _asked(url: str, process: int, readers: int, seconds: float) -> dict[str, object]:
    for _ in range(600):
        try:
            httpx2.get(f"{url}/readyz", timeout=60)
            break
        except httpx2.HTTPError:
            time.sleep(0.1)
    first: list[float] = []
    search: list[float] = []
    errors: list[str] = []
    end = time.monotonic() + seconds

    def read(number: int) -> None:
        with httpx2.Client(base_url=url, timeout=120) as client:
            place = number
            while time.monotonic() < end:
                path = FIRST if place % 6 == 0 else SEARCHES[place % len(SEARCHES)]
                begun = time.perf_counter()
                try:
                    answer = client.get(path)
                    if answer.status_code != 200:
                        errors.append(f"{path}: {answer.status_code}")
                except httpx2.HTTPError as error:
                    errors.append(f"{path}: {error}")
                (first if path == FIRST else search).append(1000 * (time.perf_counter() - begun))
                place += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "readers": readers,
        "seconds": seconds,
        "first_view_ms": _figures(first),
        "search_ms": _figures(search),
        "errors": len(errors),
        "memory_mb": round(resident(process) / 1_000_000),
    }


def _figures(times: list[float]) -> dict[str, float]:
    if len(times) < 2:
        return {"requests": len(times)}
    parts = statistics.quantiles(times, n=20)
    return {"requests": len(times), "p50": round(parts[9], 1), "p95": round(parts[18], 1)}


def main() -> None:
    """Measure with one reader, then with many at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = [measure(given.store, number, given.seconds) for number in (1, given.readers)]
    print(
        json.dumps(
            {"store": Path(given.store).name, "runs": found}, indent=None if given.json else 1
        )
    )


if __name__ == "__main__":
    main()
