"""How long ECR's passwords are good: moto's expired in 2015, and AWS's are good for twelve hours
(https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html).
"""

from __future__ import annotations

import time

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse

HOURS = 12


def install() -> None:
    """Replace moto's answer to GetAuthorizationToken."""
    moto_answer = ECRResponse.get_authorization_token

    def get_authorization_token(self: ECRResponse) -> ActionResult:
        answer = moto_answer(self)
        for each in answer.result["authorizationData"]:
            each["expiresAt"] = time.time() + HOURS * 3600
        return answer

    ECRResponse.get_authorization_token = get_authorization_token
