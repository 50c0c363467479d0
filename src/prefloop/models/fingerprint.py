"""What a model's digest depends on besides its inputs: versions, threads, device, precision.

The same inputs promise the same weights only within one fingerprint.
"""

import hashlib
import json
import platform
from typing import Any

import numpy
import tokenizers
import torch
import transformers

__all__ = ["fingerprint", "weights_digest"]


def fingerprint(device: str = "cpu", dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """The environment as plain JSON values."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "numpy": numpy.__version__,
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "dtype": str(dtype).removeprefix("torch."),
    }


def weights_digest(model: torch.nn.Module) -> str:
    """SHA-256 over a model's tensors (name, shape, type, bytes) and, where it has one, its config:
    two models of one digest compute the same."""
    found = hashlib.sha256()
    config = getattr(model, "config", None)
    if config is not None:
        kept = {
            k: v for k, v in config.to_dict().items() if not k.startswith(("_", "transformers"))
        }
        found.update(json.dumps(kept, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        found.update(f"{name} {tuple(plain.shape)} {plain.dtype}".encode())
        found.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return found.hexdigest()
