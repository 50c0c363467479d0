"""A project on disk: its folder, its key, and the way to its ledger.

The key names texts (see core.digest); it lives beside the ledger with owner-only permissions, or
in PREFLOOP_KEY. Without it the ledger can be read but its texts cannot be checked, so a ledger
whose key is gone is refused rather than opened with a new one.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from prefloop.core.errors import BadInput, Corrupt, NotFound
from prefloop.store import migrations, texts
from prefloop.store.engine import Ledger
from prefloop.store.files import FileStore

__all__ = ["create", "exists", "open_ledger", "work_folder"]

_FOLDER = ".prefloop"
_KEY_BYTES = 32


def exists(folder: Path) -> bool:
    """Whether there is a project here, whole or half made."""
    return (folder / _FOLDER).exists()


def create(folder: Path, key: bytes | None = None) -> None:
    """Make the project's folder and key; what is there already is kept."""
    home = folder / _FOLDER
    try:
        home.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise BadInput(f"cannot make a project in {folder}: {error.strerror}") from error
    ignore = home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")  # the key must never be committed, whatever the project ignores
    if (home / "key").exists():
        return
    if (home / "ledger.db").exists():
        raise Corrupt(f"{home}/key is missing beside a ledger: restore it from your backup")
    # Written whole or not at all, by one process: another key would rename every text.
    partial = home / f"key.{os.getpid()}"
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write((key or secrets.token_bytes(_KEY_BYTES)).hex())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(partial, home / "key")
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        os.replace(partial, home / "key")
    finally:
        partial.unlink(missing_ok=True)


def open_ledger(
    folder: Path,
    url: str | None = None,
    files: str | None = None,
    clock: Callable[[sa.Connection], int] | None = None,
) -> Ledger:
    """The ledger of the project in `folder`, brought to the newest schema.

    `url` and `files` default to PREFLOOP_DATABASE_URL and PREFLOOP_FILES, and those to SQLite and
    a folder inside the project. Raises NotFound where there is no project, Corrupt where the key
    is not the one that the ledger's texts were named with.
    """
    home = folder.resolve() / _FOLDER
    if not home.is_dir():
        raise NotFound(f"no project in {home.parent}: prefloop init {folder} makes one")
    place = url or os.environ.get("PREFLOOP_DATABASE_URL") or _sqlite(home / "ledger.db")
    root = files or os.environ.get("PREFLOOP_FILES") or str(home / "files")
    ledger = Ledger(place, FileStore(root), _key(home), clock)
    try:
        migrations.upgrade(ledger.engine)
        _check_key(ledger, home)
    except BaseException:
        ledger.close()
        raise
    return ledger


def work_folder(folder: Path, name: str) -> Path:
    """A folder for checkpoints and other working state of one piece of work."""
    path = folder / _FOLDER / "work" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def _check_key(ledger: Ledger, home: Path) -> None:
    with ledger.reader() as reader:
        if not texts.key_fits(reader):
            raise Corrupt(
                f"the key of {home.parent} is not the one that this ledger's texts are named with: "
                "restore it from your backup"
            )


def _sqlite(path: Path) -> str:
    return sa.URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def _key(home: Path) -> bytes:
    text = os.environ.get("PREFLOOP_KEY")
    source = "PREFLOOP_KEY"
    if text is None:
        source = str(home / "key")
        try:
            text = (home / "key").read_text(encoding="ascii", errors="replace")
        except FileNotFoundError as error:
            half = f"{source} is missing: restore it from your backup, or, if this project is new,"
            raise Corrupt(f"{half} run prefloop init again") from error
        except OSError as error:
            raise BadInput(f"{source} cannot be read: {error.strerror}") from error
    try:
        key = bytes.fromhex(text.strip())
    except ValueError as error:
        raise Corrupt(f"{source} is not a hexadecimal key: restore it from your backup") from error
    if len(key) < _KEY_BYTES:
        raise Corrupt(f"{source} holds {len(key)} bytes and {_KEY_BYTES} are needed")
    return key
