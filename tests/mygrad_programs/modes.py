"""What is switched on and off: recording, the memory guard; graphs that are cleared."""

import numpy as np

from tests.mygrad_programs.library import program


@program
def inference_without_graph(lib):
    mg = lib.mg

    @mg.no_autodiff
    def predict(w, x):
        return mg.sum(w * x)

    w, x = mg.tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = predict(w, x)
    found = {"y": y, "creator": y.creator is None, "unlocked": x.flags.writeable}
    y.backward()
    with mg.no_autodiff:
        z = w * 2
        w[:] = 5.0
    loss = (w * x).sum()
    loss.backward()
    return {**found, "none": z.creator is None, "z": z, "w": w, "w.grad": w.grad}


@program
def guarded_arrays(lib):
    mg = lib.mg
    x, y = np.arange(3.0), mg.tensor([1.0, 1.0, 1.0])
    z = x * y
    try:
        x[:] = 0
        refused = False
    except ValueError:
        refused = True
    z.backward()
    gradient = y.grad
    x[:] = 5
    with mg.mem_guard_off:
        w = y * x
        unlocked = x.flags.writeable
    del w
    with mg.mem_guard_off, mg.mem_guard_on:
        w = y * x
        locked = not x.flags.writeable
    del w
    return {"refused": refused, "grad": gradient, "x": x, "off": unlocked, "on": locked, "after": x.flags.writeable}


@program
def cleared_graphs(lib):
    mg, errors = lib.mg, lib("errors")
    x = mg.tensor([1.0, 2.0])
    y = x * 2
    z, w = y.sum(), (y**2).sum()
    z.backward()
    try:
        w.backward()
        refused = False
    except errors.InvalidBackprop:
        refused = True
    v = x * 3
    v.clear_graph()
    return {"refused": refused, "creator": v.creator is None, "x": x}
