"""Files named by what is in them: a local folder, or any fsspec address.

A digest is computed while writing. Locally a file is written beside its place, synced and
renamed, so a name never points at half a file.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fsspec

from prefloop.core.errors import Corrupt, NotFound

__all__ = ["FileStore"]

_BLOCK = 1 << 20


class FileStore:
    """Content-addressed files under `root` (a path, or an address such as s3://bucket/folder)."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._fs, self._base = fsspec.core.url_to_fs(root)
        self._local = "file" in (
            (self._fs.protocol,) if isinstance(self._fs.protocol, str) else self._fs.protocol
        )

    def put(self, chunks: Iterable[bytes]) -> dict[str, Any]:
        """Store bytes; returns {"sha256", "size"}. The same bytes are stored once."""
        hasher, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(delete=False, dir=self._staging()) as out:
            try:
                for chunk in chunks:
                    hasher.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            except BaseException:
                os.unlink(out.name)
                raise
        sha = hasher.hexdigest()
        self._place(Path(out.name), self._path(sha))
        return {"sha256": sha, "size": size}

    def put_bytes(self, data: bytes) -> dict[str, Any]:
        """Store one piece of bytes."""
        return self.put([data])

    def put_path(self, path: Path) -> dict[str, Any]:
        """Store a copy of a local file."""
        with path.open("rb") as source:
            return self.put(iter(lambda: source.read(_BLOCK), b""))

    def read(self, sha: str) -> bytes:
        """The whole file, checked against its name. Raises NotFound, Corrupt."""
        return b"".join(self.chunks(sha))

    def chunks(self, sha: str) -> Iterator[bytes]:
        """The file in pieces; Corrupt after the last one if they are not what the name says."""
        hasher = hashlib.sha256()
        try:
            with self._fs.open(self._path(sha), "rb") as source:
                while block := source.read(_BLOCK):
                    hasher.update(block)
                    yield block
        except FileNotFoundError as error:
            raise NotFound(f"file {sha[:12]} is missing from {self.root}") from error
        if hasher.hexdigest() != sha:
            raise Corrupt(f"file {sha[:12]} in {self.root} is not what its digest says")

    def fetch(self, sha: str, to: Path) -> Path:
        """Copy a file to a local path."""
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = to.with_name(f"{to.name}.partial")
        try:
            with partial.open("wb") as out:
                for block in self.chunks(sha):
                    out.write(block)
            os.replace(partial, to)
        finally:
            partial.unlink(missing_ok=True)
        return to

    def exists(self, sha: str) -> bool:
        """Whether the file is there (not whether it is whole: `read` tells)."""
        return bool(self._fs.exists(self._path(sha)))

    def _path(self, sha: str) -> str:
        return f"{self._base}/{sha[:2]}/{sha}"

    def _staging(self) -> str | None:
        if not self._local:
            return None
        staging = Path(self._base) / "staging"
        staging.mkdir(parents=True, exist_ok=True)
        return str(staging)

    def _place(self, source: Path, target: str) -> None:
        if self._local:
            folder = Path(target).parent
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
                _sync_folder(folder.parent)
            os.replace(source, target)
            _sync_folder(folder)
        else:
            with source.open("rb") as data, self._fs.open(target, "wb") as out:
                shutil.copyfileobj(data, out, _BLOCK)
            source.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
