"""The condition keys that a service sends along when it calls another for an account.

A condition on any other key bars the service, silently. By the service's principal and the service that it calls.
"""

SENT = {
    # "A SourceAccount setting prevents EventBridge from being able to invoke the function":
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    ("events.amazonaws.com", "lambda"): {"aws:SourceArn"},
    # A rule's dead-letter queue: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    ("events.amazonaws.com", "sqs"): {"aws:SourceArn"},
    # None is documented: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    ("events.amazonaws.com", "sns"): set(),
    # The trust policy that the console writes has both.
    ("events.amazonaws.com", "sts"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    ("s3.amazonaws.com", "sqs"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-arn.html
    ("s3.amazonaws.com", "lambda"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    ("cloudwatch.amazonaws.com", "sns"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    ("codebuild.amazonaws.com", "sts"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    ("sagemaker.amazonaws.com", "sts"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html names none.
    ("lambda.amazonaws.com", "sts"): set(),
}
