"""snscrape's scrapers, loaded one by one.

``import snscrape.modules`` loads all of them through ``FileFinder.find_module``, which Python
3.12 took away, so that it fails there. A package of that name, with the folder of the installed
one and without its code, stands in for it: from there the ordinary import finds one scraper. No
installed file is changed, and scrapers that are not asked for are not loaded.
"""

from __future__ import annotations

import importlib
import logging
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

_PACKAGE = "snscrape.modules"

# What snscrape has to say becomes an error or a record here; its log would say it once more.
_LOG = logging.getLogger("snscrape")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


def scraper_module(name: str) -> ModuleType:
    """Return one of snscrape's modules, such as ``telegram``. Raises ``ImportError``."""
    if _PACKAGE not in sys.modules:
        _stand_in()
    return importlib.import_module(f"{_PACKAGE}.{name}")


def _stand_in() -> None:
    snscrape = importlib.import_module("snscrape")
    spec = ModuleSpec(_PACKAGE, loader=None, is_package=True)
    spec.submodule_search_locations = [str(Path(path) / "modules") for path in snscrape.__path__]
    sys.modules[_PACKAGE] = module_from_spec(spec)
    # what `import snscrape.modules` would have done for code that says snscrape.modules.telegram
    vars(snscrape)["modules"] = sys.modules[_PACKAGE]
