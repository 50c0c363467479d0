"""Within what environment a model's digest is promised: versions, threads, device."""

import platform
from typing import Any

import tokenizers
import torch
import transformers

__all__ = ["fingerprint"]


def fingerprint(device: str = "cpu") -> dict[str, Any]:
    """What can change the bits of a trained model besides its inputs."""
    name = torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "threads": torch.get_num_threads(),
        "device": f"{device} ({name})",
    }
