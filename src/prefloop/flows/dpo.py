"""DPO into the ledger: preference pairs move a policy without a reward model between them.

So its gate looks at the labels, and nothing but held-out pairs, KL, the suite and people judge
what came of it.
"""

from prefloop.datasets import freeze
from prefloop.flows import gate, models, runs
from prefloop.flows.ppo import measured_kl
from prefloop.flows.project import Project
from prefloop.flows.running import running
from prefloop.flows.runs import Tell
from prefloop.flows.train import official
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import DPOSettings

__all__ = ["dpo"]

_SHOWN = ("loss", "accuracy", "margin", "held_out_loss", "held_out_accuracy")


def dpo(
    project: Project, dataset: Artifact, base: Artifact, settings: DPOSettings, tell: Tell
) -> Artifact:
    """The policy `base` after DPO on a dataset's training split; `base` is its reference.

    Its KL from the base is measured on held-out prompts. Raises GateClosed where the dataset does
    not pass the policy gate, whose word is recorded either way; BadInput for a base that is no
    policy; NotPermitted for a dataset that nobody approved.
    """
    from prefloop.models.load import load_policy, save_policy
    from prefloop.training.dpo import train_dpo

    project.require("train")
    official(project, dataset)
    start = models.fetch(project, models.policy(base, "DPO"))
    opened = gate.before_dpo(project, dataset)
    gate.require_open(opened)
    word, why = opened.manifest["verdict"], opened.manifest["explanation"]
    tell(f"policy gate {opened.short}: {word} ({why})")
    with project.reader() as reader:
        pairs = freeze.pairs(reader, dataset, "train")
        held = freeze.pairs(reader, dataset, "held_out")
    inputs = {"stage": "dpo", "start": base.digest, "settings": settings.model_dump(mode="json")}
    work = runs.place(project, inputs, (dataset.digest, base.digest))
    policy = load_policy(start)
    with running(project, "train dpo", work.name):
        result = train_dpo(
            policy,
            None,
            pairs,
            held,
            settings,
            folder=work / "checkpoints",
            on_step=runs.teller(tell, "dpo", _SHOWN),
        )
    tell(f"dpo: {result.accuracy:.3f} on {len(held)} held-out pairs")
    runs.say_cut(tell, result.cut, len(pairs), settings.max_tokens)
    # The second model comes only now, when nothing is trained any more.
    asked = [pair.prompt for pair in held]
    kl = measured_kl(policy, load_policy(start), asked, settings.max_new_tokens, settings.seed)
    runs.say_kl(tell, kl, base, "held-out prompts")
    found = {
        "pairs": len(pairs),
        "held_out": len(held),
        "held_out_accuracy": result.accuracy,
        "held_out_loss": result.loss,
        "convergence": str(result.convergence.trend) if result.convergence else "not measured",
        "cut": result.cut,
        "kl_nats": kl.json() if kl else None,
    }
    save_policy(policy, work / "model")
    above = (dataset.digest, base.digest, opened.digest)
    about = {"how": "dpo", "base": base.digest, "kl_nats": found["kl_nats"]}
    return runs.keep(project, inputs, found, result.loop, work / "model", "policy", above, about)
