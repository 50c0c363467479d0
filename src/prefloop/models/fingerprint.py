"""What a model's digest depends on besides its inputs: versions, threads, device, precision.

The same inputs promise the same weights only within one fingerprint.
"""

import platform
from typing import Any

import numpy
import tokenizers
import torch
import transformers

__all__ = ["fingerprint"]


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
