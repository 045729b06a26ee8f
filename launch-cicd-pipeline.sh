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

# The program that the functions and the build run, as the stack's parameters CodeBucket, CodeKey and Architecture.
code=$(sgbuild launch --upload-only --region "$AWS_DEFAULT_REGION")
mapfile -t code <<<"$code"

aws cloudformation create-stack \
    --region "$AWS_DEFAULT_REGION" \
    --stack-name "$Template_Name" \
    --template-body file://templates/cicd-pipeline.yaml \
    --parameters \
        ParameterKey=Email,ParameterValue="$Email" \
        ParameterKey=GitHubUser,ParameterValue="$GitHub_User" \
        ParameterKey=GitHubRepo,ParameterValue="$GitHub_Repo" \
        ParameterKey=GitHubBranch,ParameterValue="$GitHub_Branch" \
        ParameterKey=GitHubToken,ParameterValue="$GitHub_Token" \
        ParameterKey=PythonBuildVersion,ParameterValue="$Python_Build_Version" \
        "${code[@]}" \
    --capabilities CAPABILITY_NAMED_IAM
