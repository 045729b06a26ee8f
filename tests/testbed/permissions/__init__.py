"""Who may do what in the emulated account: every call of a stack's own is judged by the stack's own policies.

A service takes the role that the stack gives it (its trust policy decides), and calls with that session's key:
CodeBuild and the commands of a build, each function and Lambda for it, SageMaker for a training, EventBridge for a
target with a role. S3, EventBridge and CloudWatch ask the resource's policy, with the condition keys that they are
known to send (sent.py). What is refused, is refused in the service's own form; `GET /_testbed/permissions/{stack}`
tells of it, and of what was allowed and used.

Not judged here:
- pushes and pulls themselves, as the registry knows no roles: a session gets the registry's password only if it may
  do all that its push or pull takes of the repository (account.py), and other repositories are not told apart;
- keys of KMS, and the network interfaces of a VPC: moto encrypts nothing and a build here has no network of its own;
- what a training's container calls by itself: it gets no credentials;
- signatures, and whoever has no session: the account's owner, as `sgbuild launch` and the tests are;
- TLS: loopback stands for AWS's endpoints, all of which speak it, so aws:SecureTransport is true.
"""
