"""The dashboard's body, held against what CloudWatch documents of bodies and of the metrics in it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

from pipeline import ROOT, TemplateTest

# Metric: its dimensions, the statistics that are of use, the resource's type whose name the last dimension is.
DOCUMENTED = {
    # https://docs.aws.amazon.com/codebuild/latest/userguide/cloudwatch_metrics-codebuild.html
    ("AWS/CodeBuild", "SucceededBuilds"): (("ProjectName",), {"Sum"}, "AWS::CodeBuild::Project"),
    ("AWS/CodeBuild", "FailedBuilds"): (("ProjectName",), {"Sum"}, "AWS::CodeBuild::Project"),
    ("AWS/CodeBuild", "Duration"): (
        ("ProjectName",),
        {"Average", "Maximum", "Minimum"},
        "AWS::CodeBuild::Project",
    ),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): (("QueueName",), {"Maximum", "Average"}, "AWS::SQS::Queue"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): (("QueueName",), {"Maximum", "Average"}, "AWS::SQS::Queue"),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    ("AWS/Events", "InvocationsSentToDlq"): (("RuleName",), {"Sum"}, "AWS::Events::Rule"),
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    ("AWS/Lambda", "Errors"): (("FunctionName",), {"Sum"}, "AWS::Lambda::Function"),
    ("AWS/Lambda", "DeadLetterErrors"): (("FunctionName",), {"Sum"}, "AWS::Lambda::Function"),
}
ENDS = {"Completed", "Failed", "Stopped"}
# The properties of a metric widget and of a metric in it, as far as they are of use here.
WIDGET = {"title", "region", "stat", "period", "view", "stacked", "yAxis", "metrics"}
RENDERING = {"stat", "label", "color", "yAxis", "period"}


class DashboardTest(TemplateTest):
    def setUp(self) -> None:
        self.body = json.loads(self.stack().resource("Dashboard")["DashboardBody"])

    def series(self) -> list[tuple[list[str], dict[str, Any], dict[str, Any]]]:
        """Each metric: namespace, name and dimensions; how it is drawn; its widget's properties."""
        found = []
        for widget in self.body["widgets"]:
            for each in widget["properties"]["metrics"]:
                drawn = each[-1] if isinstance(each[-1], dict) else {}
                found.append(([part for part in each if isinstance(part, str)], drawn, widget["properties"]))
        return found

    def test_its_body_is_one(self) -> None:
        self.assertLessEqual(set(self.body), {"start", "end", "periodOverride", "widgets", "variables"})
        # The start is relative, in ISO 8601: up to months.
        self.assertRegex(self.body["start"], r"^-P(\d+[DWM]|T\d+[HM])$")
        self.assertIn(self.body["periodOverride"], {"auto", "inherit"})
        self.assertTrue(0 < len(self.body["widgets"]) <= 500)
        for widget in self.body["widgets"]:
            self.assertEqual(set(widget), {"type", "x", "y", "width", "height", "properties"})
            self.assertEqual(widget["type"], "metric")
            self.assertTrue(0 <= widget["x"] <= 23 and widget["y"] >= 0, widget)
            self.assertTrue(1 <= widget["width"] <= 24 and 1 <= widget["height"] <= 1000, widget)
            self.assertLessEqual(widget["x"] + widget["width"], 24)
            properties = widget["properties"]
            self.assertLessEqual(set(properties), WIDGET)
            self.assertEqual(properties["region"], "us-west-2")
            self.assertTrue(properties["title"])
            self.assertEqual(properties["view"], "timeSeries")
            # Or a period of a minute, or as many as there are in it.
            self.assertEqual(properties.get("period", 60) % 60, 0)
            self.assertTrue(1 <= len(properties["metrics"]) <= 500)
        for one, other in combinations(self.body["widgets"], 2):
            is_beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            is_above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
            self.assertTrue(is_beside or is_above, (one["properties"]["title"], other["properties"]["title"]))

    def test_every_metric_of_aws_is_documented_and_of_a_part_of_the_stack(self) -> None:
        for words, drawn, widget in self.series():
            self.assertLessEqual(set(drawn) - {"expression"}, RENDERING)
            if not words or not words[0].startswith("AWS/"):
                continue
            dimensions, statistics, kind = DOCUMENTED[words[0], words[1]]
            self.assertEqual(tuple(words[2::2]), dimensions)
            self.assertIn(drawn.get("stat", widget.get("stat")), statistics, words)
            resource = re.fullmatch(r"\$\{(\w+)(\.QueueName)?\}", words[3])
            self.assertEqual(self.resources[resource[1]]["Type"], kind, words)

    def test_every_metric_of_ours_is_written_by_the_functions(self) -> None:
        source = (ROOT / "src" / "lambda" / "metrics.rs").read_text()
        [namespace] = re.findall(r'const NAMESPACE: &str = "(\w+)";', source)
        # | `Trainings` | `Stack`, `End`: … | in the table at its beginning.
        rows = re.findall(r"^//! \| `(\w+)` \| `(\w+)`(?:, `(\w+)`)?", source, re.MULTILINE)
        written = {name: [each for each in dimensions if each] for name, *dimensions in rows}
        self.assertEqual(set(written), {"Trainings", "Duration", "BillableTime", "Value"})
        shown = set()
        for words, drawn, _ in self.series():
            if words and words[0].startswith("AWS/"):
                continue
            if "expression" in drawn:
                search = re.fullmatch(
                    r"""SEARCH\('\{(\w+),([\w,]+)\} MetricName="(\w+)" Stack="iris"', '\w+', \d+\)""",
                    drawn["expression"],
                )
                self.assertEqual(search[1], namespace)
                self.assertEqual(search[2].split(","), written[search[3]])
                shown.add(search[3])
                continue
            self.assertEqual(words[0], namespace)
            self.assertEqual(words[2::2], written[words[1]], words)
            self.assertEqual(words[3], "iris")
            shown.add(words[1])
        self.assertEqual(shown, set(written))
        ends = {words[5] for words, _, _ in self.series() if "End" in words}
        self.assertEqual(ends, ENDS)

    def test_the_functions_know_their_stack(self) -> None:
        for name in ("StartTraining", "RecordResult"):
            variables = self.stack().resource(name)["Environment"]["Variables"]
            self.assertEqual(variables["SGBUILD_STACK"], "iris")

    def test_its_page_is_an_output(self) -> None:
        address = self.stack().computed(self.template["Outputs"]["DashboardUrl"]["Value"])
        self.assertEqual(
            address,
            "https://us-west-2.console.aws.amazon.com/cloudwatch/home?region=us-west-2#dashboards/dashboard/${Dashboard}",
        )
