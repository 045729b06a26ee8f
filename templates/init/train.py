"""The training: SageMaker calls `train()` in the image, without arguments.

What it may rely on: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html.
"""

import csv
import json
import os
from pathlib import Path

# SageMaker has everything below /opt/ml; another directory serves to try it on your own machine.
PREFIX = Path(os.environ.get("TRAINING_PREFIX", "/opt/ml"))


def train():
    """Learns the centre of each class: the class is in the last column, or in the one that `label` names."""
    settings = hyperparameters()
    label = settings.get("label")
    classes = {}
    for row in rows(PREFIX / "input" / "data" / "training"):
        name = row.pop(label or list(row)[-1])
        classes.setdefault(name, []).append({column: float(value) for column, value in row.items()})
    if not classes:
        raise ValueError("there are no rows in /opt/ml/input/data/training/*.csv")
    model = {name: centre(members) for name, members in classes.items()}
    correct = sum(predict(model, member) == name for name, members in classes.items() for member in members)
    count = sum(map(len, classes.values()))
    print(f"rows={count} accuracy={correct / count:.3f}")
    directory = PREFIX / "model"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.json").write_text(json.dumps(model, indent=2))


def predict(model, row):
    """The class whose centre is the nearest to `row`."""

    def distance(name):
        return sum((row[column] - value) ** 2 for column, value in model[name].items())

    return min(model, key=distance)


def centre(members):
    """The mean of each column."""
    return {column: sum(member[column] for member in members) / len(members) for column in members[0]}


def rows(directory):
    """The rows of every CSV file, by the names in its first line."""
    for path in sorted(directory.glob("**/*.csv")):
        with path.open(newline="") as file:
            yield from csv.DictReader(file)


def hyperparameters():
    """What the training was started with; SageMaker has all values as texts."""
    path = PREFIX / "input" / "config" / "hyperparameters.json"
    return json.loads(path.read_text()) if path.exists() else {}
