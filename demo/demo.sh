#!/usr/bin/env bash
# The whole pipeline on a real package, step by step: `make demo`.
# Needs the testbed's environment (tests/testbed/testbed env) and the binary in $SGBUILD.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${SGBUILD_TESTBED:?run this through \`make demo\`}" "${SGBUILD:?the sgbuild binary}"
SGBUILD=$(realpath "$SGBUILD")

NAME=demo-$(date +%H%M%S)
SCRATCH=$(mktemp -d)

step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
note() { printf '   %s\n' "$@"; }
# Shows the command as a person would type it, then runs it.
show() { printf '\033[36m$ %s\033[0m\n' "${*//$SGBUILD/sgbuild}"; "$@"; }
# A terminal gets colours and progress bars, a log gets neither.
[ -t 1 ] || { step() { printf '\n== %s\n' "$1"; }; show() { printf '$ %s\n' "${*//$SGBUILD/sgbuild}"; "$@"; }; }
aws() { "$SGBUILD_TESTBED_PYTHON" demo/cloud.py "$@"; }
# Waits for the run number $1, and tells what happened on the way.
run_ended() {
    local ended
    ended=$(aws settled "$NAME" "$TABLE" "$1")
    eval "$ended"
    note "CodeBuild went through the phases of buildspec.yml, each in a fresh shell:"
    grep -E '^\[Container\] Phase complete|^==>' "$BUILD_LOG" | sed 's/^/   | /'
}
ended() { aws end "$NAME" 2>/dev/null || true; rm -rf "$SCRATCH"; }
trap ended EXIT

step "1. A Python package, as its author wrote it"
cp -r fixtures/iris-classifier "$SCRATCH/iris-classifier"
PROJECT=$SCRATCH/iris-classifier
git -C "$PROJECT" init -q -b main
git -C "$PROJECT" add .
git -C "$PROJECT" -c user.name=demo -c user.email=demo@example.com commit -qm "Iris classifier 1.0.0"
note "A copy of fixtures/iris-classifier with one commit, in $PROJECT." \
     "Its setup.py names the function that trains; there is no Dockerfile and no buildspec."
show grep -A3 entry_points "$PROJECT/setup.py"
show "$SGBUILD" inspect "$PROJECT"

step "2. What sgbuild makes of it: sdist, Dockerfile and the container's entry point"
show "$SGBUILD" dist "$PROJECT"
show cat "$PROJECT/dist/Dockerfile"

step "3. sgbuild launch: the whole pipeline, from one template"
note "The emulated AWS account 123456789012 answers on $AWS_ENDPOINT_URL; nothing here reaches real AWS." \
     "Where AWS would act by itself (builds, trainings, events), a program of the testbed does." \
     "There is no training data yet, only synthetic data of another bucket:"
aws put "$PROJECT/data/input/data/training/iris.csv" "$SGBUILD_TESTBED_SYNTHETIC_BUCKET" iris-classifier/iris.csv
export GITHUB_TOKEN=not-a-real-token
show "$SGBUILD" launch "$PROJECT" --stack "$NAME" --email someone@example.com --github-user example \
    --github-repo iris-classifier --synthetic-bucket "$SGBUILD_TESTBED_SYNTHETIC_BUCKET" --parameter DataBatchingSeconds=2
made=$(aws play "$NAME" "$NAME" "$PROJECT")
eval "$made"
export SGBUILD_TABLE=$TABLE

step "4. A commit"
note "Pushed to the branch, it starts a build; the build pushes an image and starts the training with it."
sed -i 's/version="1.0.0"/version="1.0.1"/' "$PROJECT/setup.py"
git -C "$PROJECT" -c user.name=demo -c user.email=demo@example.com commit -qam "Iris classifier 1.0.1"
run_ended 1
note "The image in ECR: its manifest is the schema that SageMaker takes, and its digest is what was trained."
aws image "$IMAGE"
note "The training job, with the synthetic data that was copied, and its log:"
aws job "$JOB"
show "$SGBUILD" logs "$JOB"
note "Its model in the artifact bucket:"
aws model "s3://$ARTIFACT_BUCKET/$JOB/output/model.tar.gz"
note "And the mail:"
aws messages "$INBOX"

step "5. New data"
note "Uploaded to the input bucket, it starts the pipeline again: one build, however many files."
aws upload "$PROJECT/data" "$INPUT_BUCKET"
run_ended 2
aws messages "$INBOX"

step "6. Broken data"
sed -i '17s/,[^,]*,/,wide,/' "$PROJECT/data/input/data/training/iris.csv"
aws put "$PROJECT/data/input/data/training/iris.csv" "$INPUT_BUCKET" input/data/training/iris.csv
run_ended 3
note "The training failed, and says why:"
aws messages "$INBOX"

step "7. The three runs"
show "$SGBUILD" runs
runs=$("$SGBUILD" runs --json | grep -o '"job_status": "[A-Za-z]*"' | sort | uniq -c | tr -s ' \n' ' ')
[ "$runs" = ' 2 "job_status": "Completed" 1 "job_status": "Failed" ' ] || { echo "demo: expected two completed runs and a failed one, got:$runs" >&2; exit 1; }

step "8. A build that fails"
note "Nothing trains on it, and somebody has to know:"
echo 'raise SystemExit("this is no setup.py any more")' >"$PROJECT/setup.py"
git -C "$PROJECT" -c user.name=demo -c user.email=demo@example.com commit -qam "A mistake"
failed=$(aws failed "$NAME" "$INBOX")
eval "$failed"
tail -4 "$BUILD_LOG" | sed 's/^/   | /'
note "The mail, by the rule BuildFailed:"
aws messages "$INBOX"

step "9. Who was allowed what"
note "The build, each function, the training, EventBridge and S3 had the template's own roles and policies, and nothing else:"
aws permissions "$NAME"

step "Done"
note "Commit or data in, trained model, record and message out; what fails is told as well." \
     "The services keep running: \`make test\` uses them too, \`make clean\` stops them."
