"""Hooks that live in a `with`, and a place to be tapped at."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

Receiver = Callable[[Any], None]


@contextmanager
def hooked(network: nn.Module, receivers: Mapping[str, Receiver]) -> Iterator[None]:
    """Give each receiver what its module returns in every pass made inside the `with`.

    The hooks are gone afterwards, after an exception too, and when one of them cannot be set.

    Args:
        network: the network.
        receivers: by the path of their module within it.
    """
    handles = []
    try:
        for path, receive in receivers.items():
            module = network.get_submodule(path)
            handles.append(module.register_forward_hook(_hook(receive)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(receive: Receiver) -> Callable[..., None]:
    def hook(module: object, inputs: object, output: Any) -> None:
        receive(output)

    return hook


class Port(nn.Module):
    """Where a layer of the foreign network is tapped: hands on its states as they are."""

    def forward(self, states: Tensor) -> Tensor:
        """The same."""
        return states

    @property
    def tapped(self) -> bool:
        """Whether somebody listens."""
        return bool(self._forward_hooks)
