#!/bin/bash
# Launches the pipeline with the AWS CLI, as its first version was launched: fill in the values, then run this script.
# `sgbuild launch` does the same and more: it shows the changes first, follows the stack, and says what failed.
set -euo pipefail
cd "$(dirname "$0")"

# What is asked for, unless it is set already.
Email=${Email:-}                 # your e-mail address
GitHub_User=${GitHub_User:-}     # the GitHub organization or user
GitHub_Repo=${GitHub_Repo:-}     # the repository's name alone
GitHub_Branch=${GitHub_Branch:-} # the branch whose pushes start the pipeline
GitHub_Token=${GitHub_Token:-}   # a personal access token
GitHub_Host=${GitHub_Host:-github.com}
Python_Build_Version=${Python_Build_Version:-aws/codebuild/amazonlinux-x86_64-standard:5.0}
Template_Name=${Template_Name:-${GitHub_Repo}-sgmkr01-pipeline}
AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-west-2}
export AWS_DEFAULT_REGION

for name in Email GitHub_User GitHub_Repo GitHub_Branch GitHub_Token; do
    if [ -z "${!name}" ]; then
        echo "launch-cicd-pipeline.sh: $name is empty: fill it in at the top of this script, or set it in the environment" >&2
        exit 2
    fi
done

# A text in JSON.
quoted() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}
# A parameter of the stack, after those before it.
parameters=
parameter() {
    parameters+=${parameters:+, }"{\"ParameterKey\": $(quoted "$1"), \"ParameterValue\": $(quoted "$2")}"
}

parameter Email "$Email"
parameter GitHubUser "$GitHub_User"
parameter GitHubRepo "$GitHub_Repo"
parameter GitHubBranch "$GitHub_Branch"
parameter GitHubToken "$GitHub_Token"
parameter GitHubHost "$GitHub_Host"
parameter PythonBuildVersion "$Python_Build_Version"
# The program that the functions and the build run, ParameterKey=CodeBucket,ParameterValue=…, one a line; and TemplateURL=…, as the
# template may be longer than what `--template-body` takes.
uploaded=$(sgbuild launch --upload-only --template templates/cicd-pipeline.yaml --region "$AWS_DEFAULT_REGION")
template=
while IFS=, read -r key value; do
    case $key in
        ParameterKey=*) parameter "${key#ParameterKey=}" "${value#ParameterValue=}" ;;
        TemplateURL=*) template=${key#TemplateURL=} ;;
    esac
done <<<"$uploaded"

# On stdin, as whoever may list this machine's processes sees their command lines, and the token is among the parameters. What
# a failed creation made is undone, the empty buckets included.
aws cloudformation create-stack \
    --region "$AWS_DEFAULT_REGION" \
    --stack-name "$Template_Name" \
    --template-url "$template" \
    --parameters file:///dev/stdin \
    --retain-except-on-create \
    --capabilities CAPABILITY_NAMED_IAM <<<"[$parameters]"
