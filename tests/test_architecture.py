"""The rules of the house that hold across files."""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ingest", "nlp", "pipelines")
#: The only arrows between packages: from an importer to what it may import.
ALLOWED = {
    "nlp": frozenset[str](),
    "ingest": frozenset(
        {"nlp.text", "nlp.folding", "nlp.crossscript", "nlp.clitics", "nlp.errors"}
    ),
    "pipelines": frozenset({"nlp", "ingest"}),
}
#: Words that only a case may hold. Data sets have their own names, so training is exempt.
CASE_WORDS = ("maroc", "morocc", "casablanca", "inwi", "meditel", "anrt", "iam", "opeunlike")


@cache
def modules(package: str) -> list[tuple[Path, ast.Module]]:
    """Return the modules of a package with their syntax trees, read once for all tests."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_in_one_direction(package: str) -> None:
    for path, tree in modules(package):
        for name in imported(tree):
            top = name.partition(".")[0]
            if top in PACKAGES and top != package:
                allowed = ALLOWED[package]
                assert top in allowed or name in allowed, f"{path} imports {name}"


def import_graph() -> dict[str, set[str]]:
    """Return which modules each module imports, anywhere in it, also only for types."""
    trees = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): tree
        for package in PACKAGES
        for path, tree in modules(package)
    }
    graph: dict[str, set[str]] = {name: set() for name in trees}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names} & trees.keys()
            elif isinstance(node, ast.ImportFrom) and node.module:
                parts = {f"{node.module}.{alias.name}" for alias in node.names} & trees.keys()
                graph[name] |= parts or ({node.module} & trees.keys())
        graph[name].discard(name)
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one node (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def test_circles__are_found_in_a_graph_that_has_one() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str]()}
    assert circles(graph) == [["b", "c"]]


def test_imports__make_no_circle() -> None:
    assert circles(import_graph()) == []


def code_words(tree: ast.Module) -> Iterator[str]:
    """Yield names and strings of the code; docstrings, which hold examples, are left out."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def parts(word: str) -> list[str]:
    """Split a name or a string at everything but letters and digits."""
    return re.findall(r"[a-z0-9]+", word.lower())


def test_case_words__are_found_in_names_of_zones_and_places() -> None:
    assert "casablanca" in parts("Africa/Casablanca")
    assert "maroc" in parts("posts_du_maroc.csv")


def test_nothing_in_the_code_belongs_to_one_case() -> None:
    found = []
    for package in PACKAGES:
        for path, tree in modules(package):
            if "training" in path.parts:
                continue
            for word in code_words(tree):
                hits = set(CASE_WORDS).intersection(parts(word))
                found += [f"{path.relative_to(ROOT)}: {word[:60]!r}" for _ in hits]
    assert found == []


#: Lines of a function's body, without its signature and docstring.
LONGEST_BODY = 60
#: Longer ones, each with its reason.
LONG_BODIES = {
    "pipelines/metrics/instruments.py: __init__": "the list of all metrics, which decides nothing",
}


def test_functions__fit_on_a_screen() -> None:
    long = set()
    for package in PACKAGES:
        for path, tree in modules(package):
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) else node.body
                    if body and (node.end_lineno or 0) - body[0].lineno >= LONGEST_BODY:
                        long.add(f"{path.relative_to(ROOT)}: {node.name}")
    assert long - LONG_BODIES.keys() == set()
    assert LONG_BODIES.keys() <= long, "an exception that is not needed"


def test_files__are_short() -> None:
    long = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path, _ in modules(package)
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert long == []


def test_the_top_level_holds_the_agreed_folders_only() -> None:
    tracked = {path.name for path in ROOT.iterdir() if path.is_dir()}
    generated = {"out", "dist", "build", "__pycache__"}
    visible = {name for name in tracked if not name.startswith(".")} - generated
    assert visible == {"ingest", "nlp", "pipelines", "tests", "deploy", "docs", "findings"}


def test_every_subcommand_exists_and_has_help_with_an_example() -> None:
    from pipelines.cli import COMMANDS

    for name in COMMANDS:
        command = importlib.import_module(f"pipelines.commands.{name}").command
        assert command.help
        described = [
            command.help,
            *(sub.help or "" for sub in getattr(command, "commands", {}).values()),
        ]
        assert any("marsad" in text for text in described), name


def test_every_setting_is_documented() -> None:
    from pipelines.settings import _ENVIRONMENT, Settings

    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in (*Settings.model_fields, *_ENVIRONMENT):
        assert f"`{name}`" in text, name


def test_every_subcommand_is_documented() -> None:
    from pipelines.cli import COMMANDS

    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"## marsad {name}" in text, name


def test_the_error_tree_in_the_docs_is_the_one_in_the_code() -> None:
    from pipelines import errors

    drawing = errors.__doc__ or ""
    for name in errors.__all__:
        assert f" {name} " in drawing, name


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    wanted = project["dependencies"] + [
        name for extra in project["optional-dependencies"].values() for name in extra
    ]
    for requirement in wanted:
        name = requirement.partition(">")[0].partition("=")[0].strip().lower()
        assert name in pinned, name


def test_dependencies__have_their_reason_beside_them() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = [
        line
        for part in text.partition("dependencies = [")[2].split("[project.scripts]")[:1]
        for line in part.splitlines()
        if line.startswith('    "')
    ]
    assert len(listed) > 60
    assert [line for line in listed if not re.search(r'",  # \S', line)] == []


def test_paths__in_the_docs_are_there() -> None:
    missing = []
    for document in ("architecture.md", "decisions.md", "elasticsearch.md", "kafka.md"):
        text = (ROOT / "docs" / document).read_text(encoding="utf-8")
        for word in " ".join(re.findall(r"`([^`\n]+)`", text)).split():
            inside = re.fullmatch(r"(?:ingest|nlp|pipelines|tests|deploy|docs)/[\w./-]+", word)
            if inside and not (ROOT / word).exists():
                missing.append(f"{document}: {word}")
    assert missing == []


def test_tree__in_the_docs_names_every_folder_of_the_packages() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.partition("## Tree")[2].split("```")[1]
    drawn = {name for line in tree.splitlines() for name in re.findall(r"[\w-]+(?=/)", line)}
    there = {
        folder.name
        for package in PACKAGES
        for folder in (ROOT / package, *(ROOT / package).rglob("*/"))
        if any(folder.glob("*.py"))
    }
    assert there - drawn == set()


def test_invariants__in_the_docs_name_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Invariants")[2].partition("## Gotchas")[0]
    rows = [line for line in table.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(rows) == 10
    for row in rows:
        held_by = re.findall(r"`(tests/[\w/]+\.py)`", row)
        assert held_by, row
        for name in held_by:
            assert (ROOT / name).is_file(), name


def test_gotchas__name_their_upstream_in_the_code_too() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Gotchas")[2].partition("## You changed")[0]
    links = re.findall(r"\((https://[^)#]+)", table)
    assert len(links) > 5
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in (*PACKAGES, "deploy/kafka")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".toml"}
    ).replace("//www.", "//")
    assert [link for link in links if link.replace("//www.", "//") not in code] == []


#: Dependencies that no module of ours imports, each with why it is declared all the same.
UNIMPORTED = {
    "crc32c": "kafka-python computes checksums with it where it is installed",
    "lxml": "the parser that beautifulsoup4 is told to use",
    "python-multipart": "starlette reads forms and uploads with it",
    "tzdata": "data, read through importlib.resources by name",
    "jinja2": "starlette's templates import it",
    "snscrape": "loaded by name once its retired parts are out of the way",
}


def declared() -> set[str]:
    """Return the names of the dependencies that are declared, those of training too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["train"]
    return {re.split(r"[><=]", requirement)[0].strip().lower() for requirement in wanted}


def test_dependencies__that_are_declared_are_imported() -> None:
    used = {
        name.partition(".")[0]
        for package in PACKAGES
        for _, tree in modules(package)
        for name in imported(tree)
    }
    modules_of: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules_of.setdefault(distribution.lower().replace("_", "-"), set()).add(module)
    idle = {
        name
        for name in declared()
        if not modules_of.get(name.replace("_", "-"), {name.replace("-", "_")}) & used
    }
    assert idle - UNIMPORTED.keys() == set()
    assert UNIMPORTED.keys() <= declared(), "an exception that is not declared"


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("nlp/model/*.md")]
    broken = []
    for document in documents:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert broken == []


def test_no_document_holds_a_placeholder() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        assert not re.search(r"\b[A-Z]+_EXAMPLE\b", document.read_text(encoding="utf-8")), document
