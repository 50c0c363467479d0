"""Model folders into the ledger and out again: a model artifact names each file by digest."""

import os
import shutil
from pathlib import Path
from typing import Any

from prefloop.core.errors import BadInput
from prefloop.flows.project import Project
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Transaction

__all__ = ["fetch", "keep", "policy", "reward"]


def keep(
    tx: Transaction,
    folder: Path,
    role: str,
    about: dict[str, Any],
    parents: list[str],
    notes: str = "",
) -> Artifact:
    """Record the model in `folder` (as Hugging Face saves it) as an artifact of this role."""
    files = {
        path.relative_to(folder).as_posix(): tx.files.put_path(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    if not files:
        raise BadInput(f"{folder} holds no files: there is no model to keep")
    return artifacts.put(tx, "model", {"role": role, **about, "files": files}, parents, notes)


def fetch(project: Project, model: Artifact) -> Path:
    """A local folder with the model's files, each checked against its digest; fetched once."""
    if model.kind != "model":
        raise BadInput(f"{model.short} is a {model.kind}, and a model is needed here")
    if "files" not in model.manifest:
        how = model.manifest.get("how", "other")
        raise BadInput(f"{model.short} is a {how} policy without weights of its own: use its base")
    place = project.work("models") / model.digest
    if place.is_dir():
        return place
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    for name, entry in model.manifest["files"].items():
        project.ledger.files.fetch(entry["sha256"], partial / name)
    try:
        os.replace(partial, place)  # whole or not at all
    except OSError:
        if not place.is_dir():  # else another process was first, with the same files
            raise
        shutil.rmtree(partial, ignore_errors=True)
    return place


def policy(model: Artifact, stage: str) -> Artifact:
    """The model itself, where `stage` can start from it. Raises BadInput for a reward model."""
    role = model.manifest.get("role")
    if model.kind == "model" and role not in ("sft", "policy", "baseline"):
        raise BadInput(
            f"{model.short} is a {role} model, not a policy: {stage} needs one to start from"
        )
    return model


def reward(model: Artifact) -> Artifact:
    """The model itself, where it scores. Raises BadInput for any other."""
    if model.manifest.get("role") != "reward":
        raise BadInput(f"{model.short} is a {model.manifest.get('role')}, not a reward model")
    return model
