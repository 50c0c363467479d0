"""Tests of models in and out of folders."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig
from transformers import BertForSequenceClassification as Encoder

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.models.load import (
    LoadedPolicy,
    load_policy,
    load_reward_model,
    reward_model_from,
    save_policy,
    save_reward_model,
)
from prefloop.models.packing import Row, pack
from prefloop.models.scores import score

ITEMS = [(Prompt.of("w1 w2"), "w3"), (Prompt.of("w4"), "w5 w6 w7"), (Prompt.of("w1 w2"), "w9 w9")]
ROWS = [Row([1, 4, 7, 5], ([8, 9, 2], [10, 2])), Row([1, 4, 5], ([11, 2], [12, 13, 14, 2]))]


def test_a_policy_that_was_saved_loads_with_the_same_weights_and_tokenizer(
    policy: LoadedPolicy, tmp_path: Path
) -> None:
    save_policy(policy, tmp_path)
    again = load_policy(tmp_path)
    for name, value in policy.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value)
    assert again.tokenizer.get_vocab() == policy.tokenizer.get_vocab()
    assert again.tokenizer.chat_template == policy.tokenizer.chat_template
    assert not list(tmp_path.glob("*.bin"))  # weights are safetensors, never pickles


def test_a_reward_model_that_was_saved_gives_the_same_scores(
    policy: LoadedPolicy, tmp_path: Path
) -> None:
    reward = reward_model_from(policy, seed=5)
    save_reward_model(reward, tmp_path)
    assert score(load_reward_model(tmp_path), ITEMS).tolist() == score(reward, ITEMS).tolist()


def test_transformers_reads_our_reward_model_and_scores_alike(
    policy: LoadedPolicy, tmp_path: Path
) -> None:
    reward = reward_model_from(policy)
    save_reward_model(reward, tmp_path)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    ids = torch.tensor([ROWS[0].prompt + ROWS[0].completions[0]])
    with torch.no_grad():
        wanted = float(theirs(input_ids=ids).logits[0, 0])
        ours = float(reward.model(pack(ROWS, [0], shared=True))[0])
    assert ours == pytest.approx(wanted, abs=1e-6)


def test_shared_and_separate_rows_give_the_same_scores(policy: LoadedPolicy) -> None:
    model = reward_model_from(policy).model
    with torch.no_grad():
        shared, separate = (model(pack(ROWS, [1, 0], layout)) for layout in (True, False))
    assert shared.shape == (4,)
    assert torch.allclose(shared, separate, atol=1e-5)


def test_a_reward_model_begins_as_a_copy_of_the_base_and_leaves_the_policy_alone(
    policy: LoadedPolicy,
) -> None:
    reward = reward_model_from(policy)
    base, copied = policy.model.base_model, reward.model.hf.base_model
    for one, two in zip(base.parameters(), copied.parameters(), strict=True):
        assert torch.equal(one, two)
        assert one.data_ptr() != two.data_ptr()


def test_the_head_is_drawn_from_the_seed(policy: LoadedPolicy) -> None:
    one, two, other = (reward_model_from(policy, seed).model.hf.score.weight for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_an_encoder_with_one_label_is_a_reward_model_too(
    policy: LoadedPolicy, tmp_path: Path
) -> None:
    config = BertConfig(
        vocab_size=26,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
    )
    theirs = Encoder(config).eval()
    theirs.save_pretrained(tmp_path)
    policy.tokenizer.save_pretrained(tmp_path)
    reward = load_reward_model(tmp_path)
    assert not reward.model.shared_prompt
    batch = pack(ROWS, [0, 1], shared=False)
    with torch.no_grad():
        first = theirs(input_ids=torch.tensor([ROWS[0].prompt + ROWS[0].completions[0]])).logits
        assert float(reward.model(batch)[0]) == pytest.approx(float(first), abs=1e-5)


def test_a_folder_that_is_no_model_is_named_in_one_line(tmp_path: Path) -> None:
    for load in (load_policy, load_reward_model):
        with pytest.raises(BadInput, match="holds no model"):
            load(tmp_path)
        with pytest.raises(BadInput, match="holds no model"):
            load(tmp_path / "missing")


@pytest.mark.parametrize("content", ["{", "{}", '{"model_type": "no-such-model"}', "[]"])
def test_a_config_that_names_no_model_is_named_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(BadInput) as caught:
        load_policy(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_weights_are_bad_input_not_a_traceback(policy: LoadedPolicy, tmp_path: Path) -> None:
    save_policy(policy, tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(BadInput, match=str(tmp_path)):
        load_policy(tmp_path)


def test_a_policy_is_not_accepted_as_a_reward_model(policy: LoadedPolicy, tmp_path: Path) -> None:
    save_policy(policy, tmp_path)
    with pytest.raises(BadInput, match="does not end in one score"):
        load_reward_model(tmp_path)
