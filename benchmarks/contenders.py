"""Who can take part, and which of them are installed."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to compute what a workload asks for."""

    name: str
    module: str  # what it imports; the distribution has the same name
    about: str

    @property
    def installed(self) -> bool:
        """Whether its module can be found; nothing is imported."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """The installed version; empty where there is no metadata, as in a bare source tree."""
        try:
            return importlib.metadata.version(self.module)
        except importlib.metadata.PackageNotFoundError:
            return ""


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("hand", "numpy", "NumPy with the derivative worked out by hand; what all answers are compared with"),
        Contender("wengert", "wengert", "plain NumPy code under wengert.value_and_grad"),
        Contender("compiled", "wengert", "the same function under wengert.jit"),
        Contender("mygrad", "mygrad", "tensors of MyGrad, memory guard on (its default)"),
        Contender("autograd", "autograd", "autograd.numpy"),
        Contender("torch", "torch", "PyTorch, eager"),
        Contender("jax", "jax", "JAX under jax.jit"),
        Contender("jax_scan", "jax", "JAX under jax.jit, the loop written as jax.lax.scan"),
        Contender("jax_cached", "jax", "JAX under jax.jit, told to keep what it compiles on disk"),
        Contender("rewritten", "numpy", "by hand, the program itself rearranged before it is differentiated"),
        Contender("zeros", "numpy", "by hand; each read of a field contributes a record of zeros but for that field"),
        Contender("wengert_unguarded", "wengert", "wengert with the memory guard off; a base for wengert with it on"),
        Contender("mygrad_unguarded", "mygrad", "MyGrad with the memory guard off; a base for MyGrad with it on"),
        Contender("wengert_recorded", "wengert", "wengert's tensors as always; a base for them under no_autodiff"),
        Contender("mygrad_recorded", "mygrad", "MyGrad's tensors as always; a base for them under no_autodiff"),
    )
}
