"""Tests of the environment's fingerprint."""

import json

import torch

from prefloop.models.fingerprint import fingerprint


def test_the_fingerprint_is_json_and_names_versions_threads_device_and_precision() -> None:
    said = fingerprint(dtype=torch.bfloat16)
    assert json.loads(json.dumps(said)) == said
    assert said["torch"] == torch.__version__
    assert said["threads"] == torch.get_num_threads()
    assert (said["device"], said["dtype"]) == ("cpu", "bfloat16")


def test_the_same_environment_has_the_same_fingerprint() -> None:
    assert fingerprint() == fingerprint()
