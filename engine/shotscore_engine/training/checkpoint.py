"""Checkpoints of training: weights as safetensors, optimizer state loaded with weights_only, replaced atomically."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def _replace(path: Path, write: Any) -> None:
    beside = path.with_name(path.name + ".tmp")
    write(beside)
    beside.replace(path)


def save_weights(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Tensors and text metadata to `path`, atomically."""
    contiguous = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    _replace(path, lambda beside: save_file(contiguous, beside, metadata))


def save_state(stem: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, **more: nn.Module) -> None:
    """Writes stem.safetensors (weights), stem.NAME.safetensors for each further module, and stem.state.pt."""
    save_weights(stem.with_suffix(".safetensors"), model.state_dict(), {"step": str(step)})
    for name, module in more.items():
        save_weights(stem.with_name(f"{stem.name}.{name}.safetensors"), module.state_dict(), {"step": str(step)})
    state = {"optimizer": optimizer.state_dict(), "step": step}
    _replace(stem.with_name(f"{stem.name}.state.pt"), lambda beside: torch.save(state, beside))


def load_state(stem: Path, model: nn.Module, optimizer: torch.optim.Optimizer, **more: nn.Module) -> int:
    """Restores what `save_state` wrote; returns its step, or 0 where there is nothing."""
    state_path = stem.with_name(f"{stem.name}.state.pt")
    if not state_path.is_file():
        return 0
    model.load_state_dict(load_file(stem.with_suffix(".safetensors")))
    for name, module in more.items():
        module.load_state_dict(load_file(stem.with_name(f"{stem.name}.{name}.safetensors")))
    state = torch.load(state_path, weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def append_json(path: Path, row: dict[str, Any]) -> None:
    """One more line of a .jsonl log."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
