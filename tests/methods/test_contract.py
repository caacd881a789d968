"""What every discovered method keeps to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.methods.conftest import cheap
from xai_core.methods import METHODS, Method, _rewrite
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import Setting

NAMES = sorted(METHODS)
RANDOM = [n for n in NAMES if "seed" in METHODS[n].declared() and n != "integrated_gradients"]
MakeBatch = Callable[[Classifier], Batch]
Choose = Callable[[Method], Classifier]
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def state(network: nn.Module) -> dict[str, Any]:
    """All that a method might leave behind on a model."""
    return {
        "hooks": sum(len(getattr(m, kind)) for m in network.modules() for kind in HOOKS),
        "modules": [(name, type(m).__name__) for name, m in network.named_modules()],
        "modes": [m.training for m in network.modules()],
        "in place": [getattr(m, "inplace", None) for m in network.modules()],
        "flags": [p.requires_grad for p in network.parameters()],
        "gradients": [p.grad is None for p in network.parameters()],
        "attributes": [sorted(vars(m)) for m in network.modules()],
        "weights": {
            name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
            for name, tensor in network.state_dict().items()
        },
    }


def hooks_anywhere(classifier: Classifier) -> int:
    """Hooks on the model, its traced twins and its private copies."""
    copies = _rewrite._COPIES.get(classifier, {}).values()
    networks = [classifier.network, *classifier._twins.values(), *classifier._exclusive, *copies]
    return sum(state(network)["hooks"] for network in networks)


def close(maps: Tensor, others: Tensor) -> bool:
    return bool((maps - others).abs().max() <= 1e-5 * others.abs().max() + 1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_signed_finite_and_detached(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method = cheap(name)
    batch = tiny_batch(classifier_for(method))
    targets = torch.tensor([[0, 3], [1, 2], [4, 0], [2, 1]])
    maps = method.attribute(batch, targets)
    assert maps.shape == (4, 2, *batch.images.shape[2:])
    assert maps.dtype == torch.float32
    assert bool(maps.isfinite().all())
    assert not maps.requires_grad
    assert maps.is_contiguous()
    if not method.signed:
        assert float(maps.min()) >= 0
    if method.class_sensitive:
        assert not close(maps[:, 0], maps[:, 1])
    else:
        assert torch.equal(maps[:, 0], maps[:, 1])


@pytest.mark.parametrize("name", NAMES)
def test_diagnostics_have_one_value_per_map(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method, found = cheap(name), {}
    batch = tiny_batch(classifier_for(method))
    method.attribute(batch, batch.top(2), found)
    for values in found.values():
        assert values.shape == (4, 2)
        assert bool(values.isfinite().all())
        assert not values.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_equals_one_by_one(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method = cheap(name)
    batch = tiny_batch(classifier_for(method))
    targets = batch.top(2)
    together = method.attribute(batch, targets)
    for index in range(len(batch)):
        alone = method.attribute(batch.part(index), targets[index : index + 1])
        assert close(alone[0], together[index])
    for column in range(2):
        assert close(
            method.attribute(batch, targets[:, column : column + 1])[:, 0], together[:, column]
        )


@pytest.mark.parametrize("name", NAMES)
def test_same_settings_same_map_whatever_the_batch_size(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method = cheap(name)
    classifier = classifier_for(method)
    maps = method.attribute(tiny_batch(classifier), torch.zeros(4, 1, dtype=torch.int64))
    torch.manual_seed(1)  # the global generator must not matter
    before = torch.get_rng_state()
    again = method.attribute(tiny_batch(classifier), torch.zeros(4, 1, dtype=torch.int64))
    assert torch.equal(maps, again)
    assert torch.equal(before, torch.get_rng_state())
    if "batch_size" in method.declared():
        split = dataclasses.replace(method, batch_size=3)
        assert split == method
        assert split.key() == method.key()
        targets = torch.zeros(4, 1, dtype=torch.int64)
        assert close(split.attribute(tiny_batch(classifier), targets), maps)


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_gives_another_map(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method = cheap(name)
    batch = tiny_batch(classifier_for(method))
    other = dataclasses.replace(method, seed=1).attribute(batch, batch.top(1))
    assert not close(other, method.attribute(batch, batch.top(1)))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_behind(name: str, classifier_for: Choose, tiny_batch: MakeBatch) -> None:
    method = cheap(name)
    classifier = classifier_for(method)
    batch = tiny_batch(classifier)
    images, logits, before = batch.images.clone(), batch.logits.clone(), state(classifier.network)
    targets = batch.top(2)
    asked = targets.clone()
    method.attribute(batch, targets)
    assert torch.equal(batch.images, images)
    assert not batch.images.requires_grad
    assert torch.equal(batch.logits, logits)
    assert torch.equal(targets, asked)
    assert state(classifier.network) == before
    assert hooks_anywhere(classifier) == 0


@pytest.mark.parametrize("broken", ["forward", "backward", "late"])
@pytest.mark.parametrize("name", NAMES)
def test_an_error_leaves_nothing_behind(
    name: str,
    broken: str,
    classifier_for: Choose,
    tiny_batch: MakeBatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method = cheap(name)
    classifier = classifier_for(method)
    batch = tiny_batch(classifier)
    right = method.attribute(batch, batch.top(2))
    before = state(classifier.network)
    calls = {"made": 0, "allowed": {"forward": 0, "backward": 0, "late": 3}[broken]}
    holder = torch.autograd if broken == "backward" else nn.functional
    function = "grad" if broken == "backward" else "linear"
    original = getattr(holder, function)

    def failing(*args: Any, **kwargs: Any) -> Any:
        calls["made"] += 1
        if calls["made"] > calls["allowed"]:
            raise RuntimeError("out of memory, as if")
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(holder, function, failing)
        fresh = tiny_batch(classifier)
        fresh.__dict__["_last_stage_and_logits"] = (batch.activations, batch.logits)
        try:
            method.attribute(fresh, batch.top(2))
            assert calls["made"] <= calls["allowed"], "the error was swallowed"
        except RuntimeError as error:
            assert "as if" in str(error)  # noqa: PT017
    assert state(classifier.network) == before
    assert hooks_anywhere(classifier) == 0
    assert torch.equal(method.attribute(batch, batch.top(2)), right)


@pytest.mark.parametrize("name", NAMES)
def test_works_inside_inference_mode(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method = cheap(name)
    classifier = classifier_for(method)
    targets = torch.zeros(4, 1, dtype=torch.int64)
    outside = method.attribute(tiny_batch(classifier), targets)
    with torch.inference_mode():
        inside = method.attribute(tiny_batch(classifier), targets)
    assert close(inside, outside)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_targets_are_refused(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    method = cheap(name)
    batch = tiny_batch(classifier_for(method))
    with pytest.raises(ValueError, match="a target class must be from 0 to 4"):
        method.attribute(batch, torch.full((4, 1), 5))
    with pytest.raises(ValueError, match="a target class must be from 0 to 4"):
        method.attribute(batch, torch.full((4, 1), -1))
    with pytest.raises(ValueError, match=r"targets must be \(N, T\) for N = 4"):
        method.attribute(batch, torch.zeros(4, dtype=torch.int64))


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_does_not_fit_is_refused_with_the_reason(
    name: str,
    linear_classifier: Classifier,
    transformer_classifier: Classifier,
    tiny_batch: MakeBatch,
) -> None:
    method = cheap(name)
    for classifier in (linear_classifier, transformer_classifier):
        reason = method.unfit(classifier)
        batch = tiny_batch(classifier)
        if reason is None:
            assert bool(method.attribute(batch, batch.top(1)).isfinite().all())
            continue
        assert reason[-1].isalnum() or reason[-1] in ".)"
        with pytest.raises(ValueError) as refusal:  # noqa: PT011
            method.attribute(batch, batch.top(1))
        assert str(refusal.value) == reason


@pytest.mark.parametrize("name", NAMES)
def test_describes_itself(name: str, classifier_for: Choose) -> None:
    method = METHODS[name]()
    assert method.name == name
    for text in (method.title, method.reference, method.formula, method.caveat, method.__doc__):
        assert text
        assert text.strip()
    assert method.caveat[-1] == "."
    assert method.formula.count("{") == method.formula.count("}")
    assert method.backed_by in ("own", "captum")
    passes = method.passes(classifier_for(method))
    assert 0 <= passes < 10**5
    json.dumps(method.settings())
    assert METHODS[name].from_text(**{k: str(v) for k, v in method.settings().items()}) == method


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_help_and_bounds_and_counts(name: str) -> None:
    method = METHODS[name]()
    for field, rule in method.declared().items():
        assert len(rule.help) > 5, field
        if isinstance(rule.default, bool | str):
            assert isinstance(rule.default, bool) or rule.choices or field == "stage"
        else:
            assert rule.low is not None, field
            assert rule.high is not None or field == "seed"
            with pytest.raises(ValueError, match=f"{field} must"):
                dataclasses.replace(method, **{field: type(rule.default)(rule.low - 1)})
        changed = dataclasses.replace(method, **{field: another(rule)})
        assert (changed.key() != method.key()) is rule.changes_result
        assert (changed != method) is rule.changes_result


def another(rule: Setting) -> object:
    if rule.choices:
        return next(choice for choice in rule.choices if choice != rule.default)
    if isinstance(rule.default, bool):
        return not rule.default
    if isinstance(rule.default, str):
        return "other"
    if rule.high is not None and rule.default == rule.high:
        return type(rule.default)(rule.low or 0)
    step = 1 if isinstance(rule.default, int) else (rule.high or rule.default * 4) - rule.default
    return rule.default + (step if isinstance(rule.default, int) else step / 2)


def test_keys_are_equal_in_every_process() -> None:
    code = (
        "from xai_core.methods import METHODS\n"
        "print(*(METHODS[name]().key() for name in sorted(METHODS)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert result.stdout.split() == [METHODS[name]().key() for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_threads_do_not_mix(name: str, classifier_for: Choose, tiny_batch: MakeBatch) -> None:
    method = cheap(name)
    classifier = classifier_for(method)
    whole = tiny_batch(classifier)
    parts = [whole.part(index) for index in range(4)]
    alone = [method.attribute(part, part.top(1)) for part in parts]

    def explain(call: int) -> bool:
        part = whole.part(call % 4)
        return close(method.attribute(part, part.top(1)), alone[call % 4])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(explain, range(8)))


def test_two_threads_never_mix_maps_in_200_calls(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    methods = [cheap(name) for name in ("cam", "secam", "grad_cam", "integrated_gradients", "lrp")]
    whole = tiny_batch(tiny_classifier)
    alone = {
        (method.name, index): method.attribute(whole.part(index), whole.top(1)[index : index + 1])
        for method in methods
        for index in range(2)
    }

    def explain(index: int) -> int:
        right = 0
        for call in range(100):
            method = methods[call % len(methods)]
            part = whole.part(index)
            maps = method.attribute(part, whole.top(1)[index : index + 1])
            right += close(maps, alone[method.name, index])
        return right

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(explain, range(2))) == 200


@pytest.mark.parametrize("name", NAMES)
def test_no_activation_stays_behind(
    name: str, classifier_for: Choose, tiny_batch: MakeBatch
) -> None:
    """After a method is done, no tensor lives on but weights, the batch and the maps."""
    method = cheap(name)
    classifier = classifier_for(method)
    batch = tiny_batch(classifier)
    method.attribute(batch, batch.top(1))
    copies = _rewrite._COPIES.get(classifier, {}).values()
    for network in (classifier.network, *classifier._exclusive, *copies):
        for module in network.modules():
            own = {k: v for k, v in vars(module).items() if k not in PARTS}
            assert not [k for k, v in own.items() if tensors_in(v)], f"{module}"


PARTS = ("_parameters", "_buffers", "_modules")


def tensors_in(value: Any, depth: int = 3) -> bool:
    if isinstance(value, Tensor):
        return not isinstance(value, nn.Parameter)
    if depth == 0:
        return False
    if isinstance(value, dict):
        return any(tensors_in(part, depth - 1) for part in value.values())
    if isinstance(value, (list, tuple)):
        return any(tensors_in(part, depth - 1) for part in value)
    return hasattr(value, "__dict__") and tensors_in(vars(value), depth - 1)
