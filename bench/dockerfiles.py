"""What people write by hand: Dockerfiles with places for the base image, uv's image and the way's name."""

CERTIFICATES = "SSL_CERT_FILE=/run/secrets/ca"
SECRET = "--mount=type=secret,id=ca"
WITH_UV = "--mount=type=bind,from={uv},source=/uv,target=/usr/local/bin/uv"
CACHE = "--mount=type=cache,id={name},target=/root/.cache/uv"
ENTRYPOINT = 'ENTRYPOINT ["python", "-c", "from irisclassifier.train import train; train()"]'
# In every step's command, since the builder describes what it keeps by that: so it can be removed.
MARK = ": {name};"

# The best that one can write, by uv's own guide (https://docs.astral.sh/uv/guides/integration/docker/) and some more:
# nothing but the packages gets into the image, no step has a file that another one does not need, and the package is
# built with the base's setuptools, which takes half as long as with an environment made for it. `COPY --link` would
# serve a changed base image alone; a cache in a registry, a machine that has built nothing.
REQUIREMENTS = f"""FROM {{base}}
RUN {WITH_UV} {SECRET} {CACHE} \\
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \\
    {MARK} {CERTIFICATES} UV_LINK_MODE=copy uv pip install --system --compile-bytecode -r /tmp/requirements.txt
"""
BEST = f"""{REQUIREMENTS}RUN {WITH_UV} {CACHE} --mount=type=bind,target=/src,rw \\
    {MARK} UV_LINK_MODE=copy uv pip install --system --no-deps --no-build-isolation --compile-bytecode /src
{ENTRYPOINT}
"""
# For a line of code this is quicker: the package is no distribution, and has no metadata, entry points or byte code.
COPIED = f"""{REQUIREMENTS}ENV PYTHONPATH=/app
COPY irisclassifier /app/irisclassifier
{ENTRYPOINT}
"""
# What most people write: requirements first, then everything, by pip. Its wheels are kept in a directory, since its own
# cache takes nothing from an index whose answers do not say for how long they are good.
WHEELS = "--mount=type=cache,id={name},target=/wheels"
USUAL = f"""FROM {{base}}
WORKDIR /app
COPY requirements.txt .
RUN {SECRET} {WHEELS} {MARK} export PIP_CERT=/run/secrets/ca; \\
    pip download --dest /wheels -r requirements.txt && \\
    pip install --no-index --find-links /wheels -r requirements.txt
COPY . .
RUN {MARK} pip install --no-deps --no-build-isolation .
{ENTRYPOINT}
"""
# Of BEST what buildah takes: with files mounted from the context, buildah 1.28 finds a step in its cache though they
# changed, so they are copied; uv is mounted from the machine, the mounts of caches and secrets are as above.
BY_BUILDAH = f"""FROM {{base}}
COPY requirements.txt /tmp/requirements.txt
RUN {SECRET} {CACHE} \\
    {CERTIFICATES} UV_LINK_MODE=copy uv pip install --system --compile-bytecode -r /tmp/requirements.txt
COPY . /src
RUN {CACHE} \\
    UV_LINK_MODE=copy uv pip install --system --no-deps --no-build-isolation --compile-bytecode /src
{ENTRYPOINT}
"""
