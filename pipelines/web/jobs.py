"""Long work of the page: commands of ``marsad`` in processes of their own, with progress.

The page runs the command that a user would type, so what it does and says is the same; the
process keeps its memory and its failures to itself. What it came to arrives as records
(:mod:`pipelines.results`), which the page shows in the reader's language.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
import time
from collections import deque
from collections.abc import Hashable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from pipelines.progress import JSON_PROGRESS
from pipelines.results import Failure, Result

T = TypeVar("T")

State = Literal["running", "done", "nothing", "failed"]

#: Lines of a command's output that are kept, and characters of each.
LINES, WIDE = 400, 2_000
#: Finished jobs are forgotten after this time, with their files, in seconds.
KEPT = 6 * 3600
#: A job is stopped after this time; what an import has read by then stays, in seconds.
LONGEST = 24 * 3600
#: Commands at the same time; more wait.
AT_ONCE = 3


class JobFailedError(Exception):
    """A job that a request waited for has failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Progress(msgspec.Struct, frozen=True):
    """How far a command is."""

    title: str
    done: float
    total: float
    """0 where it is not known."""
    posts: int


class Job:
    """One command: what it is, how far, what it said, and the folder that it may write to."""

    def __init__(self, kind: str, owner: str, folder: Path, title: str) -> None:
        self.id = secrets.token_urlsafe(16)
        self.kind = kind
        self.owner = owner
        self.folder = folder
        self.title = title
        self.state: State = "running"
        self.lines: deque[str] = deque(maxlen=LINES)
        """What the command said, in English."""
        self.results: deque[Result] = deque(maxlen=LINES)
        self.overdue = False
        """Whether it was stopped because it took too long."""
        self.progress: Progress | None = None
        self.ended = 0.0
        self.finished = asyncio.Event()
        self.whole_in: Hashable = None
        """The state of the store in which all posts of an export were last seen to be there."""

    @property
    def output(self) -> str:
        """Return what the command said."""
        return "\n".join(self.lines)

    def first(self, kind: type[T]) -> T | None:
        """Return the first result of a kind."""
        return next((one for one in self.results if isinstance(one, kind)), None)


class Jobs:
    """The jobs of one page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    def get(self, job_id: str) -> Job | None:
        """Return a job by its id."""
        return self._jobs.get(job_id)

    def place(self) -> Path:
        """Return a new folder for the files of a job, readable by its owner alone."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self._folder / secrets.token_hex(8)
        made.mkdir(mode=0o700)
        return made

    def start(
        self, kind: str, arguments: list[str], *, owner: str, folder: Path, title: str = ""
    ) -> Job:
        """Start a command; ``folder`` is its working folder and removed with the job."""
        self._forget()
        job = Job(kind, owner, folder, title)
        self._jobs[job.id] = job
        task = asyncio.get_running_loop().create_task(self._run(job, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def close(self) -> None:
        """Stop what runs and remove all files. An import goes on where it was next time."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _run(self, job: Job, arguments: list[str]) -> None:
        process = None
        try:
            async with self._room:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "pipelines.web.runner",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    env={**os.environ, JSON_PROGRESS: "1", "COLUMNS": "100", "PYTHONUTF8": "1"},
                    limit=1_000_000,
                )
                assert process.stdin is not None
                process.stdin.write(msgspec.json.encode(arguments) + b"\n")
                await process.stdin.drain()
                process.stdin.close()
                async with asyncio.timeout(LONGEST):
                    await self._listen(job, process)
                    code = await process.wait()
                states: dict[int, State] = {0: "done", 3: "nothing"}
                job.state = states.get(code, "failed")
        except TimeoutError:
            job.overdue = True
            job.state = "failed"
        finally:
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()
            if job.state == "running":
                job.state = "failed"
            job.ended = time.monotonic()
            job.finished.set()

    async def _listen(self, job: Job, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            # The folder's name means nothing to a reader, and shows where the page keeps files.
            text = line.decode("utf-8", "replace").rstrip().replace(f"{job.folder}{os.sep}", "")
            if text.startswith("{"):
                with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
                    told = msgspec.json.decode(text, type=_Line)
                    if told.result is not None:
                        job.results.append(told.result)
                    job.progress = told.progress or job.progress
                    continue
            job.lines.append(text[:WIDE])

    def _forget(self) -> None:
        now = time.monotonic()
        for job in [one for one in self._jobs.values() if one.ended and now - one.ended > KEPT]:
            del self._jobs[job.id]
            # an import reads the file that a preview before it has looked at
            if not any(other.folder == job.folder for other in self._jobs.values()):
                shutil.rmtree(job.folder, ignore_errors=True)


class _Line(msgspec.Struct):
    progress: Progress | None = None
    result: Result | None = None
