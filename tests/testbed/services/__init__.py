"""The services behind `testbed`: one module a service, `state` and `process` beneath them."""
