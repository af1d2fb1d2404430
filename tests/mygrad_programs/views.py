"""Views and in-place updates."""

import numpy as np

from tests.mygrad_programs.library import numbers, program


@program
def views(lib):
    mg = lib.mg
    x = mg.tensor(numbers(4, 3))
    row, flat, column = x[1], x.reshape(-1), x[:, 1:2]
    found = {
        "bases": [row.base is x, flat.base is x, column.base is x, row[1:].base is x, x.T.base is x],
        "shared": bool(np.shares_memory(x, flat)),
    }
    loss = (row**2).sum() + (flat[::2] * 3).sum() + (column * x).sum()
    loss.backward()
    return {**found, "x": x.grad, "row": row.grad, "flat": flat.grad, "column": column.grad}


@program
def updates_through_views(lib):
    mg = lib.mg
    x = mg.tensor(numbers(6))
    base = +x
    front = base[:3]
    before = front * 2
    front *= -1
    base[4:] = front[:2] * base[0]
    base[[0, 1]] = 0.0
    after = base**2
    (before.sum() + after.sum() + front[2]).backward()
    return {
        "base": base,
        "front": front,
        "before": before,
        "x": x.grad,
        "base.grad": base.grad,
        "front.grad": front.grad,
    }


@program
def updates_by_mask(lib):
    mg = lib.mg
    x = mg.tensor(numbers(3, 3))
    y = x * 1.0
    y[y < 0] = 0.0
    y[range(3), [2, 1, 0]] += x[0]
    y += y.mean(axis=0, keepdims=True)
    (y**2).sum().backward()
    return {"y": y, "x": x.grad, "y.grad": y.grad}


@program
def out_and_where(lib):
    mg = lib.mg
    x, start = mg.tensor([0.5, 1.5, 2.5]), mg.tensor([1.0, 2.0, 3.0])
    target = +start
    y = mg.log(x, out=target, where=x.data > 1)
    mg.multiply(y, 3.0, out=target)
    target.sum().backward()
    return {"target": target, "x": x.grad, "start": start.grad, "same": y is target}


@program
def sliding_windows(lib):
    mg = lib.mg
    x, w = numbers(8, 9), mg.tensor(numbers(3, 2, seed=1))
    windows = mg.sliding_window_view(x, window_shape=(3, 2), step=(2, 3))
    dilated = mg.sliding_window_view(x, window_shape=(3, 2), step=1, dilation=2)
    y = mg.einsum("ijkl,kl->ij", windows.copy(), w)
    (y**2).sum().backward()
    return {"windows": windows, "dilated": dilated, "y": y, "w": w.grad}


@program
def simulation_in_an_array(lib):
    mg = lib.mg
    stiffness = mg.tensor(0.8)
    states = mg.zeros((20, 2), dtype=float)
    states[0] = [1.0, 0.0]
    for i in range(19):
        position, velocity = states[i]
        states[i + 1] = mg.stack([position + 0.1 * velocity, velocity - 0.1 * stiffness * position])
    loss = states[-1, 0] ** 2
    loss.backward()
    return {"states": states, "stiffness": stiffness.grad, "states.grad": states.grad}
