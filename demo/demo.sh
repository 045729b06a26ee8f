#!/usr/bin/env bash
# The main path on a real package, step by step: `make demo`.
# Needs the testbed's environment (tests/testbed/testbed env) and the binary in $SGBUILD.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${SGBUILD_TESTBED:?run this through \`make demo\`}" "${SGBUILD:?the sgbuild binary}"
SGBUILD=$(realpath "$SGBUILD")

REPOSITORY=$SGBUILD_TESTBED_REGISTRY/iris-classifier
FUNCTION=demo-start-training
DOCKER=$SGBUILD_TESTBED_DOCKER
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
# What `docker login` writes goes with the scratch directory.
mkdir "$SCRATCH/docker"

step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
note() { printf '   %s\n' "$@"; }
# Shows the command as a person would type it, then runs it.
show() { printf '\033[36m$ %s\033[0m\n' "${*//$SGBUILD/sgbuild}"; "$@"; }
aws() { "$SGBUILD_TESTBED_PYTHON" demo/cloud.py "$@"; }
docker() { DOCKER_CONFIG="$SCRATCH/docker" "$DOCKER" "$@"; }
# A terminal gets colours and progress bars, a log gets neither.
[ -t 1 ] || { step() { printf '\n== %s\n' "$1"; }; show() { printf '$ %s\n' "${*//$SGBUILD/sgbuild}"; "$@"; }; }

step "1. A Python package, as its author wrote it"
cp -r fixtures/iris-classifier "$SCRATCH/iris-classifier"
PROJECT=$SCRATCH/iris-classifier
git -C "$PROJECT" init -q
git -C "$PROJECT" add .
git -C "$PROJECT" -c user.name=demo -c user.email=demo@example.com commit -qm "Iris classifier 1.0.0"
note "A copy of fixtures/iris-classifier with one commit, in $PROJECT." \
     "Its setup.py names the function that trains; there is no Dockerfile."
show grep -A3 entry_points "$PROJECT/setup.py"

step "2. The account: data in the input bucket, the training Lambda"
note "The emulated AWS account 123456789012 answers on $AWS_ENDPOINT_URL; nothing here reaches real AWS." \
     "The Lambda is this same binary, run by a host that speaks Lambda's own APIs ($AWS_ENDPOINT_URL_LAMBDA)."
aws upload "$PROJECT/data" "$SGBUILD_TESTBED_INPUT_BUCKET"
aws register "$FUNCTION" "$SGBUILD"

# What every command below goes by. In a project these would stand in pyproject.toml or in the build's environment.
export SGBUILD_FUNCTION=$FUNCTION
export SGBUILD_SOURCE_BUCKET=$SGBUILD_TESTBED_INPUT_BUCKET
export SGBUILD_OUTPUT_BUCKET=$SGBUILD_TESTBED_OUTPUT_BUCKET
export SGBUILD_ROLE=$SGBUILD_TESTBED_ROLE
export SGBUILD_INSTANCE_TYPE=ml.m5.large

step "3. sgbuild inspect: what sgbuild understands of the package"
show "$SGBUILD" inspect "$PROJECT"

step "4. sgbuild dist: sdist, Dockerfile and the container's entry point"
show "$SGBUILD" dist "$PROJECT"
show cat "$PROJECT/dist/Dockerfile"

step "5. sgbuild push: build, push to ECR, start the training"
note "The build's progress comes on stderr, the image on stdout, so a script can keep it:"
echo "\$ IMAGE=\$(sgbuild push $PROJECT)"
began=$SECONDS
IMAGE=$("$SGBUILD" push "$PROJECT")
note "took $((SECONDS - began)) s"
echo "\$ echo \"\$IMAGE\""
echo "$IMAGE"
case $IMAGE in
    "$REPOSITORY"@sha256:*) ;;
    *) echo "demo: expected $REPOSITORY@sha256:… on stdout" >&2; exit 1 ;;
esac

step "6. What is in the account now"
note "The repository in ECR and the manifest in its registry:"
aws image "$IMAGE"
note "The training job that the Lambda created:"
JOB=$(aws find-job "$IMAGE")
aws job "$JOB"

step "7. The training, as SageMaker would run it"
note "The image is removed here and pulled by its digest, with a password from GetAuthorizationToken." \
     "/opt/ml is filled with what the job's request says: its channel's data and its hyperparameters."
aws password | docker login --username AWS --password-stdin "$SGBUILD_TESTBED_REGISTRY" 2>/dev/null
docker images --quiet --no-trunc "$REPOSITORY" | sort -u | xargs -r "$DOCKER" rmi --force >/dev/null
show docker pull --quiet "$IMAGE"
aws stage "$JOB" "$SCRATCH/ml"
status=0
show docker run --rm --volume "$SCRATCH/ml:/opt/ml" "$IMAGE" train || status=$?
note "exit code $status, in /opt/ml/model:"
ls -l "$SCRATCH/ml/model"
show cat "$SCRATCH/ml/model/metrics.json"
[ "$status" = 0 ] && [ -s "$SCRATCH/ml/model/model.joblib" ] || { echo "demo: the training failed" >&2; exit 1; }

step "8. And when the data is broken"
mkdir -p "$SCRATCH/broken"
cp -r "$SCRATCH/ml/input" "$SCRATCH/broken/input"
sed -i '17s/,[^,]*,/,wide,/' "$SCRATCH/broken/input/data/training/iris.csv"
status=0
docker run --rm --volume "$SCRATCH/broken:/opt/ml" "$IMAGE" train >/dev/null 2>&1 || status=$?
note "exit code $status, and /opt/ml/output/failure, which SageMaker shows as the job's FailureReason, says:"
note "$(head -n 1 "$SCRATCH/broken/output/failure")"
[ "$status" != 0 ] || { echo "demo: broken data went unnoticed" >&2; exit 1; }

step "Done"
note "setup.py in, trained model out: $(grep -o '"accuracy": [0-9.]*' "$SCRATCH/ml/model/metrics.json")" \
     "The services keep running: \`make test\` uses them too, \`make clean\` stops them."
