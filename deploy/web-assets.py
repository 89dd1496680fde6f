"""Take the page's JavaScript and font out of their npm packages: `python deploy/web-assets.py`.

`npm.json` beside the files names each package with its version, its integrity (as in a
package-lock.json) and the files that are taken. Needs npm; users of Marsad do not, since the files
are part of the repository.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = (ROOT / "pipelines/web/static/vendor", ROOT / "tests/web/vendor")


def integrity(raw: bytes) -> str:
    """Return the hash of a package as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(raw).digest()).decode()


def main() -> None:
    """Write the files of every package. Exits with a message if a package is another one."""
    for folder in FOLDERS:
        for package in json.loads((folder / "npm.json").read_text(encoding="utf-8")):
            with tempfile.TemporaryDirectory() as place:
                wanted = f"{package['name']}@{package['version']}"
                subprocess.run(["npm", "pack", "--silent", wanted], cwd=place, check=True)
                archive = next(Path(place).glob("*.tgz"))
                if (found := integrity(archive.read_bytes())) != package["integrity"]:
                    sys.exit(f"{wanted} is not what npm.json expects: {found}")
                with tarfile.open(archive) as content:
                    for name, file in package["files"].items():
                        stream = content.extractfile(f"package/{name}")
                        assert stream is not None
                        (folder / file).write_bytes(stream.read())
            print(wanted)


if __name__ == "__main__":
    main()
