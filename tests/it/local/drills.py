"""Trainings that end in every way in which trainings end: the hyperparameter `kind` says how."""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import sys
import time

ML = pathlib.Path("/opt/ml")


def train(kind="well"):
    globals()[kind]()


def well():
    for step in range(1, 5):
        print(f"loss={1 / step}")
    (ML / "model" / "weights.bin").write_bytes(b"w")
    (ML / "output" / "data" / "plot.txt").write_text("plot")


def raises():
    raise ValueError("no such species: rosa")


def exits():
    sys.exit(3)


def exits_at_once():
    os._exit(4)


def segfault():
    ctypes.string_at(0)


def memory():
    held = []
    while True:
        held.append(bytearray(1 << 20))


def own_words():
    (ML / "output" / "failure").write_text("the data is of last year " + "x" * 2000)
    sys.exit(5)


def disk():
    with open("/dev/shm/full", "wb") as file:
        while True:
            file.write(b"0" * (1 << 20))


def checkpoints():
    place = ML / "checkpoints" / "epoch"
    epoch = int(place.read_text()) if place.exists() else 0
    print(f"begins with epoch {epoch}", flush=True)

    def keep(signum, frame):
        place.write_text(str(epoch))
        (ML / "model" / "epoch").write_text(str(epoch))
        sys.exit(0)

    signal.signal(signal.SIGTERM, keep)
    while True:
        epoch += 1
        time.sleep(0.05)


def saves():
    kept = ML / "checkpoints" / "last"
    step = int((kept / "step").read_text()) if kept.exists() else 0
    print(f"begins with step {step}", flush=True)
    while True:
        step += 1
        (kept / f"weights-{step}").mkdir(parents=True)
        (kept / f"weights-{step}" / "w").write_text("w")
        (kept / "step").write_text(str(step))
        for older in sorted(kept.glob("weights-*"), key=os.path.getmtime)[:-2]:
            shutil.rmtree(older)
        time.sleep(0.2)


def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("does not listen", flush=True)
    time.sleep(600)


def leads_a_pipe_elsewhere():
    pipe = ML / "input/data/training_0"
    try:
        pipe.unlink()
        pipe.symlink_to(os.environ["VICTIM"])
        time.sleep(1)
    except OSError as error:
        print(f"refused: {error.strerror}")
    print((ML / "input/data/one/a.csv").read_text())


def replaces_a_directory():
    latest = ML / "checkpoints/latest"
    latest.unlink() if latest.is_symlink() else shutil.rmtree(latest)
    (ML / "checkpoints/step-2").mkdir()
    latest.symlink_to("step-2")


def talks():
    while True:
        print("talks " * 100)


def sees_the_others():
    resources = json.loads((ML / "input/config/resourceconfig.json").read_text())
    own, hosts = resources["current_host"], resources["hosts"]
    assert socket.gethostname() == own, socket.gethostname()
    server = socket.create_server(("", 7777))
    server.settimeout(20)
    for host in hosts:
        if host != own:
            deadline = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection((host, 7777), 1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
    for _ in hosts[1:]:
        server.accept()
    print(f"{own} sees {len(hosts)} hosts")
    (ML / "model" / own).write_text(own)


def reads_pipes():
    for epoch in range(3):
        with open(ML / f"input/data/training_{epoch}") as pipe:
            print(f"epoch {epoch}: {len(pipe.read())} characters")


def looks():
    for path in sorted(ML.rglob("*")):
        print(path)
    for path in sorted(ML.rglob("*.json")):
        print(path.name, json.dumps(json.loads(path.read_text()), sort_keys=True))
    for name in ("TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "AWS_REGION", "LAYERS", "SGBUILD_RUN_ID"):
        print(f"{name}={os.environ.get(name)}")
    print("arguments", sys.argv, "user", os.getuid(), "host", socket.gethostname())


def in_its_place():
    model = pathlib.Path(os.environ["SM_MODEL_DIR"])
    (model / "weights.bin").write_bytes(b"w")
    (model.parent / "checkpoints" / "epoch").write_text("1")
