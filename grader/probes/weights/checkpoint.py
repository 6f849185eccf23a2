"""Turns `final.pth` into logits: identifies the file, finds the network, and runs it on images without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from grader.probes.refusals import Refuse, phrase
from grader.probes.spread import threads_in_each
from grader.probes.weights.arrays import images
from grader.probes.weights.evaluate import Result, evaluate, evaluate_all
from grader.probes.weights.inputs import Run
from grader.probes.weights.networks import OF_THE_LAB, Recognised, Wanted, recognise, variants
from grader.probes.weights.opening import read_checkpoint
from grader.probes.weights.state_dict import STATISTICS, Loaded, find_claim, find_state_dict, take
from grader.probes.weights.values import digest_of_values

Value = dict[str, Any]
MOST_VARIANTS = 6


def run_checkpoint(inputs: Value, files: Mapping[str, int]) -> tuple[Value, dict[str, bytes]]:
    """Load `files["checkpoint"]`, and evaluate it once for each of `inputs["runs"]`. Raises Refuse.

    Each run names one of `files` (.npy, uint8 (N, C, H, H)), how many images from its start, and the preprocessing;
    `rough` if counts of its images need only be good to a percent. Inputs say what the network must answer to (Wanted).
    Returns the fields of evidence.Checkpoint and evidence.Measurement; for run i `logits_i`, float32 (count, classes).
    """
    name, device = str(inputs["file"]), str(inputs["device"])
    processes = _processes(inputs, device)
    found, unloaded = read_checkpoint(files["checkpoint"], name)
    loaded = find_state_dict(found, name)
    wanted = _wanted(inputs)
    known = recognise(loaded, name, str(inputs.get("variant", "")), wanted)
    net = _fill(known, loaded, name)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    described = {
        **_describe(loaded, known.name, parameters, unloaded),
        "extra_keys": [key[:200] for key in known.extra[:200]],
        "spare_weights": [key[:200] for key in known.spare[:200]],
        "renamed": [*loaded.renamed, *known.renamed][:20],
    }
    value: Value = {"checkpoint": described, "claim": find_claim(found)}
    runs = [_run(run, files, known) for run in inputs["runs"]]
    for side in {run.side for run in runs} or {known.least_side or wanted.side}:
        _try_out(net, known.name, wanted, side, name)
    results = evaluate_all(net, runs, device, processes)
    value["measurements"] = [_measurement(result, device) for result in results]
    arrays = {f"logits_{index}": result.logits.astype("<f4").tobytes() for index, result in enumerate(results)}
    return value, arrays


def run_variants(inputs: Value, files: Mapping[str, int]) -> tuple[Value, dict[str, bytes]]:
    """Evaluate every variant of the network that the weights may belong to, on `inputs["run"]`. Raises Refuse.

    Returns under "variants" what they are called, and for variant i `logits_i`; zeros for i up to MOST_VARIANTS.
    """
    name, device = str(inputs["file"]), str(inputs["device"])
    processes = _processes(inputs, device)
    found, _ = read_checkpoint(files["checkpoint"], name)
    loaded = find_state_dict(found, name)
    wanted = _wanted(inputs)
    names = variants(loaded)[:MOST_VARIANTS] if wanted == OF_THE_LAB else ()
    run = inputs["run"]
    arrays = {f"logits_{index}": bytes(4 * run["count"] * wanted.classes) for index in range(MOST_VARIANTS)}
    for index, variant in enumerate(names):
        known = recognise(loaded, name, variant)
        prepared = _run(run, files, known)
        net = _fill(known, loaded, name)
        _try_out(net, known.name, wanted, prepared.side, name)
        arrays[f"logits_{index}"] = evaluate(net, prepared, device, processes).logits.astype("<f4").tobytes()
    return {"variants": names}, arrays


def _processes(inputs: Value, device: str) -> int:
    """Return in how many processes to evaluate. None may have had several threads before it is forked."""
    processors = int(inputs["threads"])
    torch.set_num_threads(threads_in_each(processors))
    return processors if device == "cpu" else 1


def load_network(descriptor: int, name: str) -> nn.Module:
    """Load the network whose weights a file contains, in eval mode. Raises Refuse."""
    found, _ = read_checkpoint(descriptor, name)
    loaded = find_state_dict(found, name)
    return _fill(recognise(loaded, name), loaded, name).eval()


def describe_weights(inputs: Value, files: Mapping[str, int]) -> tuple[Value, dict[str, bytes]]:
    """Describe the file of an unknown network: fields of evidence.Checkpoint except the network; its claim."""
    name = str(inputs["file"])
    found, unloaded = read_checkpoint(files["checkpoint"], name)
    loaded = find_state_dict(found, name)
    weights = [value for key, value in loaded.tensors.items() if key.rpartition(".")[2] not in STATISTICS]
    described = _describe(loaded, "", sum(value.numel() for value in weights), unloaded)
    machine = {"torch": torch.__version__, "device_name": torch.backends.cpu.get_cpu_capability()}
    return {"checkpoint": described, "claim": find_claim(found), "machine": machine}, {}


def _fill(known: Recognised, loaded: Loaded, name: str) -> nn.Module:
    """Fill the network with the file's values by torch's own loading rules: nothing left over, nothing missing."""
    state = known.net.state_dict()  # with the versions of its layers, without which some (MNASNet) refuse to load
    wanted = {key: tuple(value.shape) for key, value in state.items() if key in known.source}
    taken = take({key: loaded.tensors[known.source[key]] for key in wanted}, wanted, name)
    for key, value in state.items():
        found = taken.get(key, torch.zeros(value.shape, dtype=value.dtype))  # counters: evaluation reads none
        if value.is_floating_point() and not found.is_floating_point():
            raise Refuse("tensor", file=name, name=key, problem=phrase("not_real", kind=str(found.dtype)))
        state[key] = found.to(value.dtype)
    known.net.load_state_dict(state, assign=True)
    return known.net


def _wanted(inputs: Value) -> Wanted:
    """Return what the network must answer to: where nothing is said, what this lab's own networks do."""
    said = {name: int(inputs[name]) for name in Wanted._fields if name in inputs}
    return OF_THE_LAB._replace(**said)


def _try_out(net: nn.Module, network: str, wanted: Wanted, side: int, name: str) -> None:
    """Run two grey images, to distinguish layers with mismatched sizes from faults of ours."""
    try:
        with torch.inference_mode():
            out = net.eval()(torch.zeros(2, wanted.channels, side, side))
    except MemoryError:
        raise
    except Exception as error:
        if "can't allocate memory" in str(error):
            raise
        problem = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Refuse(
            "forward", file=name, network=network, channels=wanted.channels, side=side, problem=problem
        ) from error
    if not isinstance(out, torch.Tensor) or tuple(out.shape) != (2, wanted.classes):
        shape = str(tuple(out.shape[1:])) if isinstance(out, torch.Tensor) else type(out).__name__
        raise Refuse("output", file=name, shape=shape, wanted=wanted.classes)


def _run(run: Value, files: Mapping[str, int], known: Recognised) -> Run:
    pixels = images(files[run["images"]], int(run["count"]))
    resize = int(run["resize"]) or (known.least_side if known.least_side > pixels.shape[-1] else 0)
    how = (resize, int(run["crop"]), float(run["scale"]), bool(run["reverse"]), bool(run.get("rough")))
    return Run(pixels, tuple(run["mean"]), tuple(run["std"]), *how)


def _describe(loaded: Loaded, network: str, parameters: int, unloaded: tuple[str, ...]) -> Value:
    dtypes = sorted({str(value.dtype).removeprefix("torch.") for value in loaded.tensors.values()})
    return {
        "path": "",
        "form": loaded.form,
        "wrapper": loaded.wrapper,
        "network": network,
        "parameters": parameters,
        "dtypes": dtypes[:20],
        "extra_keys": [],
        "renamed": list(loaded.renamed)[:20],
        "unloaded": [name[:200] for name in unloaded[:50]],
        "values": digest_of_values(loaded.tensors),
    }


def _measurement(result: Result, device: str) -> Value:
    cuda = device.startswith("cuda")
    return {
        "torch": torch.__version__,
        "device": device,
        "device_name": torch.cuda.get_device_name() if cuda else torch.backends.cpu.get_cpu_capability(),
        "precision": result.precision,
        "batch_size": result.batch_size,
        "side": result.side,
        "second_looks": result.second_looks,
        "seconds": round(result.seconds, 3),
    }
