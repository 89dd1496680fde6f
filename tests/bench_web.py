"""Speed and memory of the web page: `python -m tests.bench_web --posts N --json`.

Readers ask one after another request, without a pause, for some time: the first view, ten searches
that everybody asks again and again (``known``), and searches that differ from all before
(``new``: a word, a language, a platform and a first day), a third each. Prints one object:
milliseconds at the median and the 95th percentile of each kind, errors, the server's CPU seconds,
and the most memory that it took (its resident set, from /proc). Readers and server share the
machine, so its other work counts as well. ``--store PATH`` measures a store that is there instead
of one with N made posts (:mod:`tests.bench_scale`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from tests.conftest import COMMAND
from tests.servers.process import free_port

FIRST = "/"
KNOWN = (
    "/search",
    "/search?q=whatsapp",
    "/search?q=inwi&lang=ary",
    "/search?q=connexion&sort=oldest",
    "/search?entity=inwi",
    "/search?q=appel&platform=twitter",
    "/search?q=skype",
    "/search?sentiment=negative",
    "/search?q=%D9%88%D8%A7%D8%AA%D8%B3%D8%A7%D8%A8",
    "/search?q=maroc+telecom",
)
_WORDS = (
    *("whatsapp", "inwi", "skype", "orange", "internet", "connexion", "facebook", "maroc", "appel"),
    *("bzaf", "3lach", "telecom", "viber", "honte", "service", "wifi", "merci", "bonjour", "hna"),
    *("واتساب", "بزاف", "الله", "المغرب", "سكايب"),
)


def new_searches(seed: int) -> list[str]:
    """Addresses of searches, none twice, in an order of their own for each seed."""
    found = [
        f"/search?{urlencode({'q': word, 'lang': lang, 'platform': platform, 'since': since})}"
        for word, lang, platform, since in itertools.product(
            _WORDS,
            ("ary", "ary-Latn", "fr", "ar", "en", ""),
            ("twitter", "facebook", "youtube", ""),
            [f"2016-{month:02}-01" for month in range(1, 13)],
        )
    ]
    random.Random(seed).shuffle(found)
    return found


def resident(process: int) -> int:
    """Bytes of memory that a process holds now."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def processor(process: int) -> float:
    """Seconds of a processor that a process took so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
    times: dict[str, list[float]] = {"first": [], "known": [], "new": []}
    errors: list[str] = []
    spent = processor(process)
    end = time.monotonic() + seconds
    # each reader has a share of its own, so that nobody asks what another has asked
    new = new_searches(seed=2016)

    def read(number: int) -> None:
        own = iter(new[number::readers])
        with httpx2.Client(base_url=url, timeout=120) as client:
            place = number
            while time.monotonic() < end:
                kind = ("first", "known", "new")[place % 3]
                path = {"first": FIRST, "known": KNOWN[place // 3 % len(KNOWN)]}.get(kind, "")
                path = path or next(own, KNOWN[0])
                begun = time.perf_counter()
                try:
                    answer = client.get(path)
                    if answer.status_code != 200:
                        errors.append(f"{path}: {answer.status_code}")
                except httpx2.HTTPError as error:
                    errors.append(f"{path}: {error}")
                times[kind].append(1000 * (time.perf_counter() - begun))
                place += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "readers": readers,
        "seconds": seconds,
        "first_view_ms": _figures(times["first"]),
        "known_search_ms": _figures(times["known"]),
        "new_search_ms": _figures(times["new"]),
        "errors": len(errors),
        "error": errors[0] if errors else "",
        "server_cpu_s": round(processor(process) - spent, 1),
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
    parser.add_argument("--store", help="a store that is there (default: one of --posts posts)")
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder with texts for the posts"
    )
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = given.store
        if not store:
            store = f"{folder}/bench.db"
            from tests.bench_posts import texts
            from tests.bench_scale import build

            build(Path(store), texts(given.data), given.posts)
        found = [measure(store, number, given.seconds) for number in (1, given.readers)]
    name = Path(given.store).name if given.store else f"{given.posts} posts"
    print(json.dumps({"store": name, "runs": found}, indent=None if given.json else 1))


if __name__ == "__main__":
    main()
