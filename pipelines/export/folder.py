"""The folder of an export: written aside, then put in place as a whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ingest.privacy.protector import is_pseudonym
from pipelines.errors import ChangedMeanwhile, OutputError
from pipelines.export import about, citable, datasheet
from pipelines.export.about import MANIFEST, README, Account, Facts, File
from pipelines.export.columns import Column, Exported, exported
from pipelines.export.formats import FILES, FORMATS, Writer
from pipelines.export.meanwhile import Absent, check, noted
from pipelines.export.options import Options, Rename, changes
from pipelines.export.order import shuffled
from pipelines.export.rare import Rare, find
from pipelines.records import Hit

_STAGE = ".marsad-export"
_REPORT_EVERY = 500
#: Files that a level may leave out.
_OPTIONAL = frozenset({"targets.csv"})
#: Formats with flat columns alone.
_TABLES = frozenset({"csv", "xlsx"})


def export(
    hits: Iterable[Hit],
    folder: Path,
    formats: Sequence[str],
    facts: Facts,
    *,
    options: Options | None = None,
    rename: Rename | None = None,
    weights: Mapping[str, float] | None = None,
    rare: Rare | None = None,
    absent: Absent | None = None,
    report: Callable[[int], None] = lambda posts: None,
) -> Account:
    """Write posts, in the order they come, to a folder, and say what was written.

    Everything is written to a hidden folder inside first and moved at the end; until then an
    older export stays as it was. Only files of ours are replaced or removed: those that the
    folder's manifest names. Without any post nothing is written at all.
    ``report`` is called now and then with the number of posts so far. ``weights`` are those of a
    sample, by id; what is ``rare`` is suppressed. With ``rename`` pseudonyms get other names; then,
    and at level ``unlinked``, posts come in a random order, since that of their ids would tell
    which is which. ``absent`` looks for what was deleted meanwhile: then nothing is written and
    :class:`~pipelines.errors.DeletedMeanwhile` raised. Raises
    :class:`~pipelines.errors.OutputError`,
    also for a file in the way that is not ours, for raw account names below level ``full``, and
    (:class:`~pipelines.errors.ChangedMeanwhile`) for an attitude to none of the ``entities`` of the
    options, which would have no column.
    """
    posts = iter(hits)
    first = next(posts, None)
    if first is None:
        return Account()
    given = options or Options()
    names = [name for form in formats for name in FILES[form]]
    names = [MANIFEST, README, *citable.FILES, *names]
    with _explained(folder), _stage(folder) as stage:
        ours = _ours(folder)
        foreign = [name for name in names if name not in ours and (folder / name).exists()]
        if foreign:
            raise OutputError(
                f"{folder} holds {', '.join(foreign)}, which no export of Marsad left there: "
                "name another folder, or move it away"
            )
        tally = _Tally()
        change, hide = changes(given.level, rename), rare.suppress() if rare else None
        made = _made(noted(_chain(first, posts), stage), weights or {}, hide, change, tally)
        if rename or given.level == "unlinked":
            made = shuffled(made, stage)
        account = _write(made, tally, stage, formats, given, report)
        if account.plain_authors and given.level != "full":
            raise OutputError(
                f"{account.plain_authors:,} of these posts carry the raw account names of their "
                "authors (they were collected with --keep-authors): write them with --level full "
                "and --reason, or without names with --level ids. Nothing was written"
            )
        if absent is not None:
            check(stage, absent)
        if not account.posts:
            return account
        names = [name for name in names if name not in _OPTIONAL or name in account.files]
        (stage / README).write_text(about.readme(account, facts), encoding="utf-8")
        (stage / datasheet.NAME).write_text(datasheet.datasheet(account, facts), encoding="utf-8")
        (stage / MANIFEST).write_bytes(about.manifest(account, facts))
        (stage / citable.DATAPACKAGE).write_bytes(citable.datapackage(account, facts))
        (stage / citable.CRATE).write_bytes(citable.crate(account, facts))
        (stage / citable.CITATION).write_text(citable.citation(account, facts), encoding="utf-8")
        for name in names:  # texts of people: for their owner alone
            (stage / name).chmod(0o600)
        for old in sorted(ours - set(names)):
            (folder / old).unlink(missing_ok=True)
        # The manifest first: should we be killed here, its checksums tell that not all is
        # there, and the next export knows by it which files are ours.
        for name in names:
            (stage / name).replace(folder / name)
    return account


def count_rare(hits: Iterable[Hit], folder: Path) -> Rare:
    """Return what is rare among the posts that are to be exported to a folder.

    They are counted in its hidden folder, which is made for that and removed. Raises
    :class:`~pipelines.errors.OutputError`.
    """
    posts = iter(hits)
    first = next(posts, None)
    if first is None:
        return Rare.of_none()
    with _explained(folder), _stage(folder) as stage:
        return find(_chain(first, posts), stage)


def _made(
    hits: Iterator[Hit],
    weights: Mapping[str, float],
    hide: Callable[[Exported], Exported | None] | None,
    change: Callable[[Exported], Exported],
    tally: _Tally,
) -> Iterator[Exported]:
    """Yield posts as they are written; what is rare as a whole is left out and counted."""
    for hit in hits:
        post = exported(hit.post, hit.day, weights.get(hit.post.id))
        kept = hide(post) if hide else post
        if kept is None:
            tally.left_out += 1
        else:
            yield change(kept)


def _write(
    posts: Iterator[Exported],
    tally: _Tally,
    stage: Path,
    formats: Sequence[str],
    options: Options,
    report: Callable[[int], None],
) -> Account:
    tables = bool(_TABLES.intersection(formats))
    known = frozenset(options.entities)
    with contextlib.ExitStack() as stack:
        writers: list[Writer] = []
        for form in formats:
            writer: Writer = FORMATS[form](stage, options)
            stack.callback(writer.close)
            writers.append(writer)
        for post in posts:
            if tables and options.attitudes:
                _check_columns(post, known)
            for each in writers:
                each.write(post)
            tally.add(post)
            if tally.posts % _REPORT_EVERY == 0:
                report(tally.posts)
    report(tally.posts)
    rows = {name: tally.posts for writer in writers for name in writer.files}
    rows |= {"targets.csv": tally.targets} if "targets.csv" in rows else {}
    return Account(
        posts=tally.posts,
        without_day=tally.days.pop("", 0),
        first_day=min(tally.days, default=""),
        last_day=max(tally.days, default=""),
        languages=dict(sorted(tally.languages.items())),
        models=dict(sorted(tally.models.items())),
        plain_authors=tally.plain_authors,
        fictional=tally.fictional,
        watchlists=dict(sorted(tally.watchlists.items())),
        sources=dict(sorted(tally.sources.items())),
        files={name: _file(stage / name, rows[name]) for name in rows},
        columns=[] if tables and _TABLES.issuperset(formats) else _names(options.columns),
        flat=_names(options.flat) if tables else [],
        csv_for=options.csv_for,
        level=options.level,
        left_out=tally.left_out,
    )


def _names(columns: Iterable[Column]) -> list[str]:
    return [column.name for column in columns]


def _check_columns(post: Exported, entities: frozenset[str]) -> None:
    for target in post.targets:
        if target.entity not in entities:
            raise ChangedMeanwhile(
                f"a post with an attitude to {target.entity} came while the export ran, no column "
                "of its tables is for that, and nothing was written"
            )


class _Tally:
    """What an export says about its posts, counted as they pass."""

    def __init__(self) -> None:
        self.posts = 0
        self.targets = 0
        self.plain_authors = 0
        self.fictional = 0
        self.left_out = 0
        self.days: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.watchlists: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()

    def add(self, post: Exported) -> None:
        self.posts += 1
        self.targets += len(post.targets)
        self.plain_authors += bool(post.author) and not is_pseudonym(post.author)
        self.fictional += "fictional" in post.flags
        self.days[post.day] += 1
        self.languages[post.language] += 1
        self.models[post.model] += 1
        self.watchlists[post.watchlist or "none"] += 1
        self.sources[f"{post.platform}, {post.source}" if post.source else post.platform] += 1


def _chain(first: Hit, rest: Iterator[Hit]) -> Iterator[Hit]:
    yield first
    yield from rest


def _file(path: Path, rows: int) -> File:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return File(sha256=digest, bytes=path.stat().st_size, rows=rows)


def _ours(folder: Path) -> set[str]:
    """Return the names of the files that an earlier export left here."""
    try:
        found = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=about.Known)
    except (FileNotFoundError, msgspec.DecodeError):
        return set()
    if found.format != about.FORMAT:
        return set()
    known = {name for files in FILES.values() for name in files} | set(citable.FILES)
    # a manifest is a file that anybody may write: it can't name what we never write
    return (set(found.files) & known) | {MANIFEST, README, *citable.FILES}


@contextlib.contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """Make the hidden folder, for us alone, and remove it in the end."""
    made = not folder.exists()
    stage = folder / _STAGE
    folder.mkdir(parents=True, exist_ok=True)
    stage.mkdir(mode=0o700, exist_ok=True)
    lock = (stage / "lock").open("w")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"another export writes to {folder}: wait until it has ended"
            ) from error
        try:
            yield stage
        finally:
            # with what an export that was killed may have left
            shutil.rmtree(stage, ignore_errors=True)
            if made:
                with contextlib.suppress(OSError):  # it stays if there is something in it
                    folder.rmdir()
    finally:
        lock.close()


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        advice = "make room" if full else "choose another folder, or change its permissions"
        raise OutputError(
            f"the export to {folder} failed ({error.strerror or error}); {advice}. "
            "What was there before is still there"
        ) from error
